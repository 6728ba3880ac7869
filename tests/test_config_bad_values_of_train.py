"""Values of a wrong kind for every key of `slugline train` and its components: one line, never a traceback."""

import pytest
from wrong_values import VALUES, walk_values


@pytest.mark.slow
@pytest.mark.parametrize("value", VALUES)
def test_a_value_of_a_wrong_kind_is_one_line(tmp_path, command, value):
    walk_values(tmp_path, command, "train", value)
