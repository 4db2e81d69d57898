"""Declaration: what a backend says of itself is whole, and true."""

import inspect

from otabridge.backend import Backend
from otabridge.capabilities import Capability
from otabridge.limits import FIELDS
from otabridge.registry import Registry, check_backend
from otabridge.settings import Settings
from otabridge.testing.suite import Suite


class Declaration(Suite):
    """A planner believes the tables, so they must be right."""

    def test_the_backend_is_found_by_its_name(self) -> None:
        given = type(self).backend
        if isinstance(given, str):
            assert Registry().backend(given).name == given

    def test_gaps_are_of_tests_that_there_are(self) -> None:
        from otabridge.testing.facades import FacadeConformance  # which is made of the groups, as this one

        known = {*dir(type(self)), *dir(FacadeConformance)}
        assert [gap for gap in type(self).known_gaps if gap.partition("[")[0] not in known] == []

    def test_the_registry_takes_the_backend(self, kind: type[Backend]) -> None:
        check_backend(kind)

    def test_settings_are_a_settings_model(self, kind: type[Backend]) -> None:
        assert issubclass(kind.settings, Settings), f"{kind.name}.settings must be a subclass of Settings"

    def test_what_is_not_there_is_explained(self, kind: type[Backend]) -> None:
        silent = [
            str(operation)
            for operation in Capability
            if not (support := kind.capabilities.get(operation)) or not (support.level.usable or support.note)
        ]
        assert silent == [], f"give each of these a Support, with a note that says why it is not there: {silent}"

    def test_operations_take_what_the_contract_says(self, kind: type[Backend]) -> None:
        for operation in Capability:
            ours = inspect.signature(getattr(Backend, operation)).parameters
            theirs = inspect.signature(getattr(kind, operation)).parameters
            missing = [name for name in ours if name not in theirs]
            assert missing == [], f"{operation} lacks the arguments {missing}"
            more = [
                name
                for name, parameter in theirs.items()
                if name not in ours and parameter.default is inspect.Parameter.empty
            ]
            assert more == [], f"{operation} demands the arguments {more}, which the contract does not have"

    def test_limits_are_of_fields_that_exist(self, kind: type[Backend]) -> None:
        assert [field for field in kind.limits.text if field not in FIELDS] == []

    def test_page_sizes_are_of_lists(self, kind: type[Backend]) -> None:
        lists = [operation for operation in Capability if operation.value.startswith("list_")]
        assert [str(operation) for operation in kind.limits.page_size if operation not in lists] == []

    def test_rates_are_positive(self, kind: type[Backend]) -> None:
        assert [name for name, quota in kind.quotas.items() if quota.rate <= 0] == []

    def test_errors_are_looked_up_in_lower_case(self, kind: type[Backend]) -> None:
        codes = {*kind.ERRORS, *kind.STALE}
        assert [code for code in codes if code != code.lower()] == [], "write vendor codes in lower case in the tables"
