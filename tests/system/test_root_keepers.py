"""A network whose root five persons hold, three of whom sign: founded, then a keeper is replaced, by the commands of
docs/operating.md alone."""

from __future__ import annotations

from pathlib import Path

from tests.system.test_operators_way import hallnet, running

from hallnet.sandbox.ports import free_ports

NAMES = ("wang", "li", "zhang", "liu", "chen")


def test_a_root_of_five_keepers_founds_a_network_and_changes_a_keeper(tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("a long passphrase of several words\n")
    sealed = ("--passphrase-file", str(secret))
    home, root, after = (str(tmp_path / name) for name in ("home", "root", "next"))
    welcome, statement = str(tmp_path / "welcome.bin"), str(tmp_path / "succession.bin")

    def sign(draft: str, *names: str) -> str:
        said = ""
        for name in names:
            said = hallnet("trust", "keeper", "sign", draft, str(tmp_path / name), "--yes", *sealed)
        return said

    def make(folder: str, *names: str) -> str:
        given = [
            part for name in names for part in ("--keeper", str(tmp_path / name / "keeper.pub"))
        ]
        hallnet("trust", "root", "new", folder, "--division", "330127", "--threshold", "3", *given)
        return sign(f"{folder}/root.cert.draft", *names)

    for name in (*NAMES, "yang"):
        hallnet("trust", "keeper", "new", str(tmp_path / name), "--name", name, *sealed)
    assert "finished" in make(root, *NAMES)
    assert "3 of 5" in hallnet("trust", "root", "record", f"{root}/root.cert", "--present", "wang")

    port, broker = free_ports(2)
    hallnet(
        "node", "init", home, "--address", "330127", "--listen", f"127.0.0.1:{port}",
        "--broker-listen", f"127.0.0.1:{broker}",
    )  # fmt: skip
    hallnet("trust", "root", "certify", root, f"{home}/request.bin", "--out", welcome)
    assert "2/3" in sign(f"{welcome}.draft", "chen", "li")
    assert "FILE_UNUSABLE" in hallnet(
        "node", "join", home, f"{welcome}.draft", "--root", f"{root}/root.cert", code=1
    )
    assert "NOT_A_KEEPER" in hallnet(
        "trust",
        "keeper",
        "sign",
        f"{welcome}.draft",
        str(tmp_path / "yang"),
        "--yes",
        *sealed,
        code=1,
    )
    assert "finished" in sign(f"{welcome}.draft", "wang")
    hallnet("node", "join", home, welcome, "--root", f"{root}/root.cert")

    # 陈 leaves, 杨 comes; the node runs on under what the old root certified.
    assert "finished" in make(after, *NAMES[:4], "yang")
    hallnet("trust", "root", "succeed", root, after, "--out", statement)
    assert "3/3 + 2/3" in sign(f"{statement}.draft", "wang", "li", "chen")
    assert "finished" in sign(f"{statement}.draft", "yang")
    with running(tmp_path / "home"):
        hallnet("trust", "take-root", home, statement)
        rival = str(tmp_path / "rival.bin")
        hallnet("trust", "root", "succeed", root, after, "--out", rival, "--old-stays")
        sign(f"{rival}.draft", "zhang", "liu", "chen", "yang")
        assert "ROOT_ENDED" in hallnet("trust", "take-root", home, rival, code=1)
    hallnet("trust", "root", "certify", after, f"{home}/request.bin", "--out", welcome)
    sign(f"{welcome}.draft", "yang", "wang", "li")
    hallnet("node", "join", home, welcome, "--root", f"{after}/root.cert")
    with running(tmp_path / "home"):
        assert "VALID: every proof holds" in hallnet("verify", "--node", home)
