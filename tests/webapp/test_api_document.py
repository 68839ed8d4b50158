"""The API keeps to its OpenAPI document: schemathesis makes up requests, right and wrong ones.

For every operation it sends what the document allows and what it forbids, and checks that the
answer's status, type and content are as the document says: what is allowed is not refused as
malformed, what is forbidden is, and nothing ends in a 500.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

import webapp
from webapp.feedback import Collection

application = webapp.create_app({"RATE": 0})
schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application)


@pytest.fixture(scope="module", autouse=True)
def collecting(tmp_path_factory):
    """A file for drawings, which there is not yet when this module is read."""
    file = tmp_path_factory.mktemp("collected") / "drawn.jsonl"
    application.extensions["collection"] = Collection(file, 10 * 1024 * 1024)


BEYOND_A_SCHEMA = {"picture.not_base64", "picture.unreadable", "drawing.no_ink", "points.too_many",
                   "layer.unknown", "channel.out_of_range", "row.out_of_range",
                   "column.out_of_range"}
"""What may be wrong with a request that the document allows: it depends on another value."""


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_keeps_to_its_document(case):
    answer = case.call()
    code = answer.json()["error"]["code"] if answer.status_code == 400 else ""
    case.validate_response(answer, excluded_checks=[positive_data_acceptance]
                           if code in BEYOND_A_SCHEMA else [])


def test_the_document_has_all_addresses_of_the_api():
    rules = {rule.rule for rule in application.url_map.iter_rules()}
    documented = set(application.extensions["openapi"]["paths"])
    assert rules - {"/", "/static/<path:filename>"} == documented
