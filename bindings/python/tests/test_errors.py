"""One exception for each kind of error, and none without a kind."""

from __future__ import annotations

import pytest

import minka
from minka import _minka, errors

KINDS = _minka.error_kinds()


@pytest.mark.parametrize("number, name, retriable, fatal", KINDS, ids=[kind[1] for kind in KINDS])
def test_each_kind_has_a_class(number: int, name: str, retriable: bool, fatal: bool) -> None:
    camel = "".join(word.capitalize() for word in name.split("_"))
    error = getattr(minka, camel)
    assert error is errors.BY_CODE[number]
    assert (error.code, error.name) == (number, name)
    assert (error.retriable, error.fatal) == (retriable, fatal)
    assert error.__doc__
    try:
        raise error("what happened")
    except minka.Error as caught:
        assert str(caught) == "what happened"


def test_there_are_no_other_classes() -> None:
    assert sorted(errors.BY_CODE) == sorted(kind[0] for kind in KINDS)


def test_all_names_can_be_imported() -> None:
    for name in minka.__all__:
        assert getattr(minka, name) is not None
    assert set(errors.__all__) <= set(minka.__all__) <= set(dir(minka))
    with pytest.raises(AttributeError):
        _ = minka.nothing


def test_a_timeout_is_one_of_python_too() -> None:
    assert issubclass(minka.Timeout, TimeoutError)
