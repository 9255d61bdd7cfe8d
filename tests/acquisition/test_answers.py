"""Asking real servers whether they give a file, without a download."""

import re
import time

import pytest
import requests
from file_server import Served, running_server

from align.acquisition.answers import Answer, ask, require_an_answer, said
from align.errors import InputError

CONTENT = bytes(3_000_000)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with running_server() as server:
        yield server


def answer_of(address, size=None, within=2.0):
    ((answer,),) = ask({"a": [(address, size)]}, within).values()
    assert answer.address == address
    return answer.gives, answer.what


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_file_answers_and_is_not_downloaded(ranges, size, server):
    address = server.serve("/a", served := Served(CONTENT, ranges=ranges, pause=0.05))
    assert answer_of(address, size) == (True, "a file of 3,000,000 bytes")
    assert served.requests[0].sent < len(CONTENT) / 2


def test_another_size_is_another_file(server):
    address = server.serve("/a", Served(CONTENT))
    assert answer_of(address, 5_000_000) == (False, "a file of 3,000,000 bytes, expected 5,000,000")


@pytest.mark.parametrize(
    ("served", "what"),
    [
        (None, "404 Not Found"),
        (Served(CONTENT, statuses=iter([503])), "503 Service Unavailable"),
        (Served(b"<html>Sign in</html>"), "a web page"),
    ],
)
def test_what_gives_no_file(served, what, server):
    address = server.serve("/a", served) if served else f"{server.address}/gone"
    assert answer_of(address) == (False, what)


def test_nobody_listens():
    assert answer_of("http://127.0.0.1:9/a") == (False, "[Errno 111] Connection refused")


def test_all_are_asked_at_once_and_nobody_waits_for_the_silent(server):
    silent = Served(b"<" * 100, at_most=0, stalls=True)  # the headers come, and no file
    slow = [server.serve(f"/{number}", Served(CONTENT, statuses=sleep(1.0))) for number in range(8)]
    start = time.monotonic()
    answers = ask({"a": [(address, None) for address in slow], "b": [(server.serve("/s", silent), None)]}, within=0.5)
    assert time.monotonic() - start < 0.9
    assert {(answer.gives, answer.what) for answer in answers["a"]} == {(False, "no answer within 0.5 s")}


def sleep(seconds):
    """Yield the status of a proper answer after some seconds."""
    time.sleep(seconds)
    yield None


@pytest.fixture
def drive(server, monkeypatch):
    get = requests.Session.get

    def get_here(session, url, **options):
        return get(session, re.sub(r"https://drive(\.usercontent)?\.google\.com", server.address, url), **options)

    monkeypatch.setattr(requests.Session, "get", get_here)
    return "https://drive.google.com/uc?id=1skwblH1_okBwxWxmRsp9_qi15hyPpxg8"


def test_a_file_of_drive_is_named_and_not_downloaded(server, drive):
    headers = {"Content-Disposition": 'attachment; filename="VLCS.tar.gz"'}
    server.serve("/uc", served := Served(CONTENT, headers=headers, pause=0.05))
    assert answer_of(drive) == (True, "the file VLCS.tar.gz")
    assert served.requests[0].sent < len(CONTENT) / 2


def test_a_file_that_drive_does_not_give(server, drive):
    server.serve("/uc", Served(b'<p class="uc-error-subcaption">Too many users have downloaded this file recently.</p>'))
    gives, what = answer_of(drive)
    assert not gives
    assert "Too many users have downloaded this file recently" in what
    assert "\n" not in what


def test_the_lines_and_the_error():
    yes, no = Answer("http://a", True, "a file of 5 bytes"), Answer("http://b", False, "404 Not Found")
    assert said({"VLCS/VLCS.tar.gz": [no, yes]}) == ("  no file  http://b  404 Not Found\n  answers  http://a  a file of 5 bytes")
    assert said({"a": [yes], "b": [no]}).splitlines()[0::2] == ["a:", "b:"]
    assert said({}) == "No data set of this configuration comes from an address."
    require_an_answer({"a": [no, yes]})
    with pytest.raises(InputError, match=r"^b, c: found no address that gives the file now, expected at least one; try again"):
        require_an_answer({"a": [yes], "b": [no], "c": []})
