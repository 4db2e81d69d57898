"""Backends with one mistake each, made of ones that are right. The kit must find every one of them."""

from tests.conformance import mutants_kiosk, mutants_rows, mutants_wire
from tests.conformance.making import MUTANTS, made

__all__ = ["MUTANTS", "made", "mutants_kiosk", "mutants_rows", "mutants_wire"]
