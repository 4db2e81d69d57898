package otabridge.hawkbit;

import java.io.IOException;
import java.io.InputStream;
import org.eclipse.hawkbit.autoconfigure.security.EnableHawkbitManagedSecurityConfiguration;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** hawkBit with its Management API and its device API, for as long as its standard input is open. */
@SpringBootApplication
@EnableHawkbitManagedSecurityConfiguration
public class Application {

    public static void main(final String[] args) {
        final Thread watch = new Thread(Application::endWithInput, "standard input");
        watch.setDaemon(true);
        watch.start();
        SpringApplication.run(Application.class, args);
    }

    /** Whoever started the server holds the other end: even when it is killed, no server is left behind. */
    private static void endWithInput() {
        try (InputStream input = System.in) {
            while (input.read() >= 0) {
            }
        } catch (final IOException closed) {
            // as good as an end
        }
        System.exit(0);
    }
}
