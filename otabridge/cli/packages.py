"""`otabridge packages`: released versions of modules, and their files."""

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

import typer

from otabridge.cli import errors, session
from otabridge.cli import output as out
from otabridge.cli.options import (
    ConfigFile,
    CustomInfo,
    Debug,
    Format,
    Kind,
    MissingOk,
    Module,
    On,
    OnEach,
    Output,
    OwnVerification,
    PackageDescription,
    PackageId,
    PackageKind,
    PackageName,
    Product,
    ProductOrAll,
    SourceVersions,
    Verification,
    Verify,
    Version,
    Yes,
)

if TYPE_CHECKING:
    from otabridge import Artifact

app = typer.Typer()


@app.command("list")
def list_packages(
    on: OnEach = None,
    product: ProductOrAll = None,
    module: Annotated[str | None, typer.Option("--module", metavar="M", help="One module's packages alone.")] = None,
    version: Annotated[str | None, typer.Option("--version", metavar="V", help="This version alone.")] = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """List packages. Some clouds tell where a package's files are in `packages show` alone."""
    from otabridge import Package

    session.rows(
        Package,
        lambda cloud: cloud.packages.list(product=product, module=module, version=version),
        on=on,
        config=config,
        format=output,
    )


@app.command()
def show(
    package_id: PackageId,
    on: On = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Show one package, with its files."""
    with session.one(on, config) as cloud:
        out.show(output, out.record(cloud.packages.get(package_id)))


@app.command()
def create(
    product: Product,
    module: Module,
    version: Version,
    on: On = None,
    bucket: Annotated[
        str | None, typer.Option("--bucket", metavar="B", help="The bucket that the file lies in, with --key.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="K", help="The file's key in --bucket.")] = None,
    object_region: Annotated[
        str | None, typer.Option("--object-region", metavar="R", help="The region of --bucket.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", metavar="U", help="Where the file can be fetched.")] = None,
    filename: Annotated[
        str | None,
        typer.Option("--filename", metavar="NAME", help="The file's name; else the last part of its key or URL."),
    ] = None,
    size: Annotated[int | None, typer.Option("--size", metavar="BYTES", min=0, help="The file's length.")] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="The file's SHA-256, in hex digits.")
    ] = None,
    md5: Annotated[
        str | None, typer.Option("--md5", metavar="HEX", help="The file's MD5, where the cloud wants that.")
    ] = None,
    name: PackageName = None,
    description: PackageDescription = None,
    custom_info: CustomInfo = None,
    source_version: SourceVersions = None,
    kind: PackageKind = Kind.FULL,
    verify: OwnVerification = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Make a package of a file that lies where the cloud can reach it, and print it."""
    artifact = _artifact(bucket, key, object_region, url, filename, size, sha256, md5)
    with session.one(on, config) as cloud:
        package = cloud.packages.create(
            product=product,
            module=module,
            version=version,
            artifacts=[artifact],
            kind=kind.value,
            source_versions=source_version or (),
            name=name,
            description=description,
            custom_info=custom_info,
            verify=None if verify is None else verify is Verify.REQUIRED,
        )
        out.show(output, out.record(package))


@app.command()
def publish(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file that devices shall get.")],
    product: Product,
    module: Module,
    version: Version,
    on: OnEach = None,
    name: PackageName = None,
    description: PackageDescription = None,
    custom_info: CustomInfo = None,
    source_version: SourceVersions = None,
    kind: PackageKind = Kind.FULL,
    verify: Verification = Verify.NONE,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Bring a file to one cloud or several, check it on the way, make a package of it there, and print it."""
    from otabridge import Capability, Client, Package

    def make(cloud: Client) -> Package:
        with session.moving(f"publishing {file.name} on {cloud.cloud}") as progress:
            return cloud.packages.publish(
                file,
                product=product,
                module=module,
                version=version,
                kind=kind.value,
                source_versions=source_version or (),
                name=name,
                description=description,
                custom_info=custom_info,
                verify=verify is Verify.REQUIRED,
                progress=progress,
            )

    needs = [Capability.STAGE_ARTIFACT, Capability.CREATE_PACKAGE]
    session.each(Package, make, needs, on=on, config=config, format=output)


@app.command()
def download(
    package_id: PackageId,
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for the files; made if missing.")],
    on: On = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Fetch a package's files into a folder, all or none, check their lengths and digests, and print their paths.

    A file is named by its SHA-256. One that is there already is not fetched again.
    """
    with session.one(on, config) as cloud:
        with session.moving(f"downloading {package_id} from {cloud.cloud}") as progress:
            paths = cloud.packages.download(package_id, folder, progress=progress)
        out.listed(output, ("path",), [{"path": str(path)} for path in paths])


@app.command()
def update(
    package_id: PackageId,
    on: On = None,
    name: PackageName = None,
    description: PackageDescription = None,
    custom_info: CustomInfo = None,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Change what a package is called and says, and print it. What is not named stays as it is."""
    if name is None and description is None and custom_info is None:
        raise errors.Usage("nothing to change: give --name, --description or --custom-info")
    with session.one(on, config) as cloud:
        changed = cloud.packages.update(package_id, name=name, description=description, custom_info=custom_info)
        out.show(output, out.record(changed))


@app.command()
def delete(
    package_id: PackageId,
    on: On = None,
    yes: Yes = False,
    missing_ok: MissingOk = False,
    config: ConfigFile = None,
    output: Output = Format.TABLE,
    debug: Debug = False,
) -> None:
    """Withdraw a package, so that it can no longer be rolled out. Nothing is printed on stdout."""
    with session.one(on, config) as cloud:
        session.confirm(f"Delete package {package_id!r} on {cloud.cloud}?", yes=yes)
        gone = partial(cloud.packages.delete, package_id)
        session.delete(gone, f"package {package_id!r} on {cloud.cloud}", missing_ok=missing_ok)


def _artifact(
    bucket: str | None,
    key: str | None,
    region: str | None,
    url: str | None,
    filename: str | None,
    size: int | None,
    sha256: str | None,
    md5: str | None,
) -> "Artifact":
    """The file that the options describe. Usage if they do not describe exactly one."""
    from otabridge import Artifact, Checksum, ObjectLocation, UrlLocation

    location: ObjectLocation | UrlLocation
    if url is not None and (bucket, key, region) == (None, None, None):
        location, last = UrlLocation(url=url), unquote(urlsplit(url).path.rpartition("/")[2])
    elif url is None and bucket is not None and key is not None and region is not None:
        location, last = ObjectLocation(region=region, bucket=bucket, key=key), key.rpartition("/")[2]
    else:
        raise errors.Usage("say where the file lies: either --url, or all of --bucket, --key and --object-region")
    if sha256 is not None and md5 is not None:
        raise errors.Usage("give one digest: --sha256 or --md5")
    checksum = None
    if sha256 is not None:
        checksum = Checksum(algorithm="sha256", hex=_hex("--sha256", sha256, 64))
    elif md5 is not None:
        checksum = Checksum(algorithm="md5", hex=_hex("--md5", md5, 32))
    if not (filename or last):
        raise errors.Usage("--filename is missing: the location does not end in a file's name")
    return Artifact(name=filename or last, size=size, checksum=checksum, location=location)


def _hex(option: str, text: str, digits: int) -> str:
    if not re.fullmatch(f"[0-9A-Fa-f]{{{digits}}}", text):
        raise errors.Usage(f"{option}: {digits} hex digits, not {text[:80]!r}")
    return text
