"""Pods become processes, and their objects say how they are."""

import asyncio
import base64
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from kagents_core.api.resources import CLAIMS, PODS, SERVICE_ACCOUNTS
from kagents_local.kubelet.processes import is_running
from kagents_local.pod_access import LogQuery, PodAccessError

LOOP = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"


def container(script: str, name: str = "main", **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "runner:test", "command": ["sh", "-c", script], **more}


async def test_init_containers_then_containers_then_success(node: Any) -> None:
    inits = [container("echo first >> $OUT/order", "one"), container("echo second >> $OUT/order", "two")]
    for entry in inits:
        entry |= {
            "env": [{"name": "OUT", "value": "/out"}],
            "volumeMounts": [{"name": "v", "mountPath": "/out"}],
        }
    main = container("cat /out/order; echo done > /dev/termination-log")
    main["volumeMounts"] = [{"name": "v", "mountPath": "/out"}]
    await node.create(initContainers=inits, containers=[main], volumes=[{"name": "v", "emptyDir": {}}])
    status = await node.phase("Succeeded")
    assert await node.log() == "first\nsecond\n"
    assert [entry["state"]["terminated"]["reason"] for entry in status["initContainerStatuses"]] == [
        "Completed"
    ] * 2
    ended = status["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["message"]) == (0, "done")
    conditions = {entry["type"]: entry["status"] for entry in status["conditions"]}
    assert conditions == {
        "PodScheduled": "True",
        "Initialized": "True",
        "ContainersReady": "False",
        "Ready": "False",
    }


async def test_failure_shows_code_and_termination_message(node: Any) -> None:
    await node.create('echo "no such branch" > $KAGENTS_TERMINATION_LOG; exit 64')
    status = await node.phase("Failed")
    ended = status["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (64, "Error", "no such branch")


async def test_the_end_of_the_log_stands_in_for_a_termination_message(node: Any) -> None:
    await node.create(
        containers=[container("echo why >&2; exit 1", terminationMessagePolicy="FallbackToLogsOnError")]
    )
    status = await node.phase("Failed")
    assert status["containerStatuses"][0]["state"]["terminated"]["message"] == "why"


async def test_a_crashing_container_is_restarted_with_a_wait(node: Any) -> None:
    await node.create("echo again; exit 1", restartPolicy="OnFailure")
    await node.until(lambda: node.main().get("restartCount", 0) >= 2)
    await node.until(lambda: node.main()["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff")
    assert node.main()["lastState"]["terminated"]["exitCode"] == 1
    assert node.status()["phase"] == "Running"
    assert await node.log(previous=True) == "again\n"


async def test_the_process_environment_is_what_the_pod_says_and_little_else(node: Any) -> None:
    await node.secret("s", key=base64.b64encode(b"hidden").decode())
    env = [
        {"name": "TEAM_DIR", "value": "/kagents/team"},
        {"name": "DOC", "value": json.dumps({"prompt": "Write\nto /kagents/team/x."})},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ]
    claim = await node.claim("c")
    mounts = [
        {"name": "team", "mountPath": "/kagents/team", "subPath": "team"},
        {"name": "tmp", "mountPath": "/tmp"},
    ]
    volumes = [{"name": "team", "persistentVolumeClaim": {"claimName": "c"}}, {"name": "tmp", "emptyDir": {}}]
    await node.create(
        containers=[container("env -0; touch $TEAM_DIR/made $TMPDIR/scratch", env=env, volumeMounts=mounts)],
        volumes=volumes,
    )
    await node.phase("Succeeded")
    shown = dict(line.split("=", 1) for line in (await node.log()).split("\0") if "=" in line)
    team = node.data / "volumes" / "ns" / f"c-{claim['metadata']['uid']}" / "team"
    assert shown["TEAM_DIR"] == str(team)
    assert json.loads(shown["DOC"]) == {"prompt": f"Write\nto {team}/x."}
    assert (shown["SECRET"], shown["NODE"]) == ("hidden", "local")
    assert "ANTHROPIC_API_KEY" not in shown
    assert len(shown["TMPDIR"]) < 50
    assert (team / "made").exists()
    uid = node.pod()["metadata"]["uid"]
    assert (node.data / "pods" / uid / "volumes" / "tmp" / "scratch").exists()
    known = {
        "TEAM_DIR",
        "DOC",
        "SECRET",
        "NODE",
        "PATH",
        "HOME",
        "LANG",
        "TMPDIR",
        "HOSTNAME",
        "PWD",
        "SHLVL",
        "_",
    }
    known |= {
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_SERVICE_PORT",
        "KAGENTS_TERMINATION_LOG",
        "KAGENTS_PROCESS_OF",
    }
    assert set(shown) <= known | {"OLDPWD"}


async def test_what_is_missing_holds_the_pod_back_until_it_appears(node: Any) -> None:
    volume = {"name": "v", "configMap": {"name": "cm"}}
    main = container("cat /in/file; echo $KEY", volumeMounts=[{"name": "v", "mountPath": "/in"}])
    main["env"] = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    await node.create(containers=[main], volumes=[volume])
    sentence = 'MountVolume.SetUp failed for volume "v" : configmap "cm" not found'
    await node.until(lambda: node.main().get("state", {}).get("waiting", {}).get("message") == sentence)
    assert node.status()["phase"] == "Pending"
    assert node.main()["state"]["waiting"]["reason"] == "ContainerCreating"
    await node.until(lambda: node.events("FailedMount") == [sentence])
    await node.config_map("cm", file="content\n")
    await node.until(lambda: node.main()["state"]["waiting"]["reason"] == "CreateContainerConfigError")
    assert node.main()["state"]["waiting"]["message"] == 'secret "s" not found'
    await node.secret("s", k=base64.b64encode(b"value").decode())
    await node.phase("Succeeded")
    assert await node.log() == "content\nvalue\n"


async def test_a_pod_waits_for_its_claim(node: Any) -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "late"}}]
    await node.create("true", volumes=volumes)
    await node.until(
        lambda: any('persistentvolumeclaim "late" not found' in text for text in node.events("FailedMount"))
    )
    await node.claim("late")
    await node.phase("Succeeded")
    claim = node.api.objects[("persistentvolumeclaims", "ns", "late")]
    await node.until(lambda: claim.get("status", {}).get("phase") == "Bound")


async def test_secret_files_are_private_and_projected_volumes_hold_token_and_fields(node: Any) -> None:
    await node.secret("s", key=base64.b64encode(b"hidden").decode())
    sources = [
        {"serviceAccountToken": {"path": "token", "audience": "kagents-hub"}},
        {"configMap": {"name": "cm", "items": [{"key": "a", "path": "deep/a"}]}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    await node.config_map("cm", a="A", b="B")
    volumes = [{"name": "s", "secret": {"secretName": "s"}}, {"name": "p", "projected": {"sources": sources}}]
    mounts = [{"name": "s", "mountPath": "/s"}, {"name": "p", "mountPath": "/p"}]
    script = "cat /s/key; echo; cat /p/token /p/deep/a /p/name; echo; ls /p; stat -c %a /s/key"
    await node.create(
        containers=[container(script, volumeMounts=mounts)], volumes=volumes, serviceAccountName="kagents-hub"
    )
    await node.phase("Succeeded")
    expected = "hidden\ntoken:ns:kagents-hub:kagents-hubAp\ndeep\nname\ntoken\n600\n"
    assert await node.log() == expected
    assert await node.client.get(SERVICE_ACCOUNTS, "ns", "kagents-hub")


async def test_the_service_account_is_there_unless_the_pod_says_no(node: Any) -> None:
    script = (
        'cd "$KAGENTS_SERVICE_ACCOUNT_DIR" && cat token namespace ca.crt && echo $KUBERNETES_SERVICE_PORT'
    )
    await node.create(script, automountServiceAccountToken=True)
    await node.phase("Succeeded")
    assert await node.log() == "token:ns:default:NonensCA6443\n"
    await node.create("true", name="other", automountServiceAccountToken=True, serviceAccountName="nobody")
    await node.until(
        lambda: any('serviceaccounts "nobody" not found' in text for text in node.events("FailedMount"))
    )


async def test_another_image_is_refused_by_name_before_anything_runs(node: Any) -> None:
    other = container("true", "agent", image="example.com/other:1")
    await node.create(initContainers=[container("touch $HOME/ran", "init")], containers=[other])
    await node.until(lambda: node.events("Failed"))
    assert 'image "example.com/other:1" cannot run here' in node.events("Failed")[0]
    await node.until(
        lambda: node.main().get("state", {}).get("waiting", {}).get("reason") == "ErrImageNeverPull"
    )
    assert node.status()["phase"] == "Pending"
    assert not list(node.data.glob("pods/*/home/ran"))


async def test_deletion_asks_waits_kills_and_removes_everything(node: Any) -> None:
    await node.create("trap '' TERM; echo up; while :; do sleep 0.05; done", terminationGracePeriodSeconds=1)
    await node.phase("Running")
    uid = node.pod()["metadata"]["uid"]
    await node.client.delete(PODS, "ns", "p")
    await node.until(lambda: node.pod() is None)
    await node.until(lambda: not (node.data / "pods" / uid).exists())
    assert node.events("Killing") == ["Stopping container main"]


async def test_a_forced_deletion_ends_the_processes_too(node: Any) -> None:
    await node.create(f"echo $$$$ > $HOME/pid; {LOOP}")
    await node.phase("Running")
    (path,) = node.data.glob("pods/*/home")
    await node.until(lambda: (path / "pid").exists() and (path / "pid").read_text().strip())
    pid = int((path / "pid").read_text())
    await node.client.delete(PODS, "ns", "p", grace_seconds=0)
    await node.until(lambda: not is_running(pid, None))
    await node.until(lambda: not path.exists())


async def test_a_deadline_ends_the_pod(node: Any) -> None:
    await node.create(LOOP, activeDeadlineSeconds=1, terminationGracePeriodSeconds=5)
    status = await node.phase("Failed")
    assert status["reason"] == "DeadlineExceeded"


async def test_running_processes_are_adopted_and_ended_ones_are_learnt_of(node: Any) -> None:
    await node.create(f"echo $$; {LOOP}", name="stays")
    await node.create("while [ ! -e $HOME/go ]; do sleep 0.02; done; echo last words; exit 9", name="ends")
    await node.phase("Running", "stays")
    await node.phase("Running", "ends")
    writes = node.api.status_writes
    await node.stop()
    uid = node.pod("ends")["metadata"]["uid"]
    (node.data / "pods" / uid / "home" / "go").touch()
    await node.until(lambda: list((node.data / "pods" / uid).glob("containers/main/0/exit.json")))
    await node.start()
    status = await node.phase("Failed", "ends")
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 9
    assert await node.log("ends") == "last words\n"
    assert node.main("stays")["restartCount"] == 0
    assert "running" in node.main("stays")["state"]
    assert len((await node.log("stays")).splitlines()) == 2
    assert node.api.status_writes == writes + 1, "what was adopted needs no write"


async def test_an_orderly_stop_interrupts_and_the_next_start_goes_on(node: Any) -> None:
    await node.create(f"echo run >> $HOME/runs; {LOOP}")
    await node.phase("Running")
    (home,) = node.data.glob("pods/*/home")
    await node.until((home / "runs").exists)
    assert await node.kubelet.stop_processes(20)
    await node.stop()
    assert node.status()["phase"] == "Running"
    await node.start()
    await node.until(lambda: node.main()["restartCount"] == 1 and "running" in node.main()["state"])
    assert node.status()["phase"] == "Running"
    await node.until(lambda: (home / "runs").read_text() == "run\nrun\n")
    assert (await node.log(previous=True)).startswith("up\n")


async def test_a_killed_keeper_costs_a_restart_and_no_pod(node: Any) -> None:
    await node.create(LOOP)
    await node.phase("Running")
    (record,) = node.data.glob("pods/*/containers/main/0/process.json")
    pid = json.loads(record.read_text())["pid"]
    keeper = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    await node.until(lambda: node.main()["restartCount"] == 1 and "running" in node.main()["state"])
    assert not is_running(pid, None)
    assert node.main()["lastState"]["terminated"]["reason"] == "Interrupted"


async def test_pods_whose_object_went_meanwhile_are_cleared(node: Any) -> None:
    await node.create(f"echo $$$$ > $HOME/pid; {LOOP}")
    await node.phase("Running")
    (home,) = node.data.glob("pods/*/home")
    await node.until(lambda: (home / "pid").exists() and (home / "pid").read_text().strip())
    pid = int((home / "pid").read_text())
    await node.stop()
    await node.client.delete(PODS, "ns", "p", grace_seconds=0)
    await node.start()
    await node.until(lambda: not is_running(pid, None) and not home.parent.exists())


async def test_volumes_live_as_long_as_their_claim_or_a_pod_that_uses_them(node: Any) -> None:
    claim = await node.claim("c")
    directory = node.data / "volumes" / "ns" / f"c-{claim['metadata']['uid']}"
    mounts = [{"name": "v", "mountPath": "/v"}]
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]
    await node.create(containers=[container(f"touch /v/f; {LOOP}", volumeMounts=mounts)], volumes=volumes)
    await node.until((directory / "f").exists)
    await node.client.delete(CLAIMS, "ns", "c")
    other = await node.claim("d")
    await node.until(lambda: node.api.objects[("persistentvolumeclaims", "ns", "d")].get("status"))
    assert (directory / "f").exists(), "a pod still uses it"
    await node.client.delete(PODS, "ns", "p")
    await node.until(lambda: not directory.exists())
    assert other["metadata"]["uid"] in {entry["metadata"]["uid"] for entry in node.api.objects.values()}


async def test_a_status_is_written_only_when_it_changes(node: Any) -> None:
    await node.create("exit 0")
    await node.phase("Succeeded")
    assert node.api.status_writes <= 3


async def test_exec_with_pipes_and_on_a_terminal(node: Any) -> None:
    await node.create(containers=[container(LOOP, env=[{"name": "WHO", "value": "me"}])])
    await node.phase("Running")
    command = await node.kubelet.exec(
        "ns", "p", None, ["sh", "-c", "cat; echo $WHO >&2; exit 3"], stdin=True, tty=False
    )
    await command.write(b"hello")
    await command.close_stdin()
    output = [part async for part in command.output()]
    assert sorted(output) == [(1, b"hello"), (2, b"me\n")]
    assert await command.exit_code() == 3
    await command.close()
    command = await node.kubelet.exec(
        "ns", "p", "main", ["sh", "-c", "stty size; tty; read x; echo got $x"], stdin=True, tty=True
    )
    command.resize(100, 40)
    await command.write(b"word\n")
    async with asyncio.timeout(20):
        text = b"".join([data async for _, data in command.output()]).decode()
    assert "got word" in text and "/dev/" in text
    assert await command.exit_code() == 0
    await command.close()


async def test_closing_an_exec_ends_what_it_started(node: Any) -> None:
    await node.create(LOOP)
    await node.phase("Running")
    command = await node.kubelet.exec(
        "ns", "p", None, ["sh", "-c", "echo $$; sleep 600"], stdin=False, tty=False
    )
    output = command.output()
    pid = int((await anext(output))[1])
    await output.aclose()
    await command.close()
    assert not is_running(pid, None)


async def test_access_errors_are_sentences(node: Any) -> None:
    await node.create(containers=[container(LOOP, "a"), container("true", "b")])
    await node.until(lambda: len(node.status().get("containerStatuses", [])) == 2)
    for call, status, part in [
        (node.kubelet.logs("ns", "none", None, LogQuery()), 404, 'pods "none" not found'),
        (node.kubelet.logs("ns", "p", None, LogQuery()), 400, "choose one of: [a, b]"),
        (node.kubelet.logs("ns", "p", "x", LogQuery()), 400, "container x is not valid for pod p"),
        (node.kubelet.logs("ns", "p", "a", LogQuery(previous=True)), 400, "previous terminated container"),
        (
            node.kubelet.exec("ns", "p", "a", ["no-such"], stdin=False, tty=False),
            500,
            "executable file not found",
        ),
    ]:
        with pytest.raises(PodAccessError, match=part.replace("[", r"\[").replace("]", r"\]")) as caught:
            await call
        assert caught.value.status == status
