"""Sessions on disk: found, read and changed without starting them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import madrigal

SESSION = "11111111-1111-4111-8111-111111111111"
MESSAGES = ["22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The folder of the program, with one session of `/home/user/project`."""
    common = {"sessionId": SESSION, "cwd": "/home/user/project", "timestamp": "2026-01-02T03:04:05.000Z"}
    base: dict[str, Any] = {**common, "isSidechain": False, "userType": "external", "version": "2.1.330"}
    prompt = {"role": "user", "content": "Tidy up"}
    answer = {"id": "m", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "Done"}]}
    lines = [
        {**base, "type": "user", "uuid": MESSAGES[0], "parentUuid": None, "message": prompt},
        {**base, "type": "assistant", "uuid": MESSAGES[1], "parentUuid": MESSAGES[0], "message": answer},
    ]
    folder = tmp_path / "projects" / "-home-user-project"
    folder.mkdir(parents=True)
    (folder / f"{SESSION}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def test_a_session_is_found_and_read(config: Path) -> None:
    (found,) = madrigal.list_sessions(config_dir=config)
    assert (found.session_id, found.first_prompt, found.cwd) == (SESSION, "Tidy up", "/home/user/project")
    assert found == madrigal.get_session_info(SESSION, config_dir=config)
    messages = madrigal.get_session_messages(SESSION, config_dir=config)
    assert [message.type for message in messages] == ["user", "assistant"]
    assert [message.uuid for message in messages] == MESSAGES
    assert messages[1].message["content"] == [{"type": "text", "text": "Done"}]
    assert madrigal.get_session_messages(SESSION, limit=1, offset=1, config_dir=config) == messages[1:]
    assert madrigal.list_subagents(SESSION, config_dir=config) == []
    assert madrigal.get_subagent_messages(SESSION, "a1", config_dir=config) == []


def test_a_session_is_changed(config: Path) -> None:
    madrigal.rename_session(SESSION, "Spring cleaning", config_dir=config)
    madrigal.tag_session(SESSION, "home", config_dir=config)
    madrigal.archive_session(SESSION, config_dir=config)
    info = madrigal.get_session_info(SESSION, config_dir=config)
    assert info is not None
    assert (info.custom_title, info.tag, info.archived) == ("Spring cleaning", "home", True)
    madrigal.tag_session(SESSION, None, config_dir=config)
    madrigal.unarchive_session(SESSION, config_dir=config)
    info = madrigal.get_session_info(SESSION, config_dir=config)
    assert info is not None
    assert (info.tag, info.archived) == (None, False)
    copy = madrigal.fork_session(SESSION, up_to_message_id=MESSAGES[0], title="Half", config_dir=config)
    assert copy.session_id != SESSION
    assert len(madrigal.get_session_messages(copy.session_id, config_dir=config)) == 1
    madrigal.delete_session(SESSION, config_dir=config)
    assert [info.session_id for info in madrigal.list_sessions(config_dir=config)] == [copy.session_id]


def test_what_is_not_there_is_said(config: Path) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    assert madrigal.get_session_info(other, config_dir=config) is None
    assert madrigal.get_session_messages(other, config_dir=config) == []
    with pytest.raises(madrigal.InvalidArgumentError):
        madrigal.rename_session(other, "x", config_dir=config)
    with pytest.raises(madrigal.InvalidArgumentError, match="no JSON form"):
        madrigal.list_sessions(limit=object(), config_dir=config)  # type: ignore[arg-type]
