"""The steps of a request."""

from trunkline.app.admission.step import Step


def test_each_step_has_a_name_for_metrics() -> None:
    names = [step.value for step in Step]
    assert names == [step.name.lower() for step in Step]
    assert names[:3] == ["arrival", "request", "client"]
