"""A server that is gone or lets nobody in: one sentence, whatever the layers in between have raised."""

from __future__ import annotations

import socket

import httpx
import pytest

from evenly.errors import RunFailedError
from evenly.flows.server import LOOPBACK, telling_of_server


@pytest.fixture
def nowhere() -> str:
    """Return an address at which nothing answers."""
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return f"http://{LOOPBACK}:{free.getsockname()[1]}/api"


def test_who_is_not_let_in_is_told_where_the_password_goes(nowhere):
    request = httpx.Request("GET", nowhere)
    refused = httpx.HTTPStatusError("401", request=request, response=httpx.Response(401, request=request))

    with (
        pytest.raises(RunFailedError, match=r"asks for a password.*PREFECT_API_AUTH_STRING"),
        telling_of_server(nowhere),
    ):
        raise refused


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), RuntimeError("Failed to reach API")])
def test_a_server_that_is_gone_is_said_to_be_gone(nowhere, error):
    with pytest.raises(RunFailedError, match=r"does not answer.*--no-prefect"), telling_of_server(nowhere):
        raise error


def test_a_defect_is_not_taken_for_a_lost_server(nowhere):
    with pytest.raises(ZeroDivisionError), telling_of_server(nowhere):
        raise ZeroDivisionError
