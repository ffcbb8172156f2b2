"""Laws that hold for every team in every world: hypothesis plays person, kubelet, node and clock."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from world import World, simple_spec, team

from kagents_core.reconcile import Hold, NotificationOutcome

NAMES = ("a", "b", "c")


@st.composite
def specs(draw: st.DrawFn) -> dict:
    mates = []
    gates = []
    for index, name in enumerate(NAMES[: draw(st.integers(1, 3))]):
        earlier = list(NAMES[:index])
        mates.append(
            {
                "name": name,
                "dependsOn": draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else [],
                "budget": draw(st.sampled_from([None, "2.00"])),
            }
        )
        if draw(st.booleans()):
            gates.append(f"spawn-{name}")
    if draw(st.booleans()):
        gates.append("finish")
    spec = simple_spec(
        *mates,
        gates=tuple(gates),
        maxRestarts=draw(st.integers(0, 2)),
        timeout="3h",
        budgetLimit="5.00",
        onBudget=draw(st.sampled_from(["end", "suspend"])),
    )
    if draw(st.booleans()):
        del spec["lead"]
    if draw(st.booleans()):
        spec["observability"] = {"webhook": {"url": "https://hooks.example.com/x"}}
    if draw(st.booleans()):
        del spec["workspace"]
        spec["repository"] = {"url": "https://git.example.com/acme/backend.git"}
        spec["lifecycle"]["onComplete"] = draw(st.sampled_from(["push-branch", "create-pr", "none"]))
    return spec


class TeamMachine(RuleBasedStateMachine):
    """Anything may happen between two reconciles; one may also be interrupted between two writes."""

    @initialize(spec=specs())
    def begin(self, spec: dict) -> None:
        self.world = World(team(spec))
        self.approved: set[str] = set()
        self.was_terminal: str | None = None
        self.arrived: set[str] = set()
        self.spent = dict.fromkeys(("lead", *NAMES), 0)

    def agent(self, index: int) -> str:
        names = [*(["lead"] if "lead" in self.world.raw["spec"] else []), *NAMES]
        return names[index % len(names)]

    @rule()
    def reconcile(self) -> None:
        self.check(self.world.step())

    @rule()
    def reconcile_twice_is_once(self) -> None:
        self.world.settle()

    @rule(cut=st.integers(0, 3))
    def crash_before_status(self, cut: int) -> None:
        """The executor dies after some of its creations: nothing may be created twice afterwards."""
        plan = self.world.plan()
        self.check(plan)
        for manifest in plan.apply[:cut]:
            self.world._apply({**manifest, "metadata": dict(manifest["metadata"])})

    @rule(index=st.integers(0, 3))
    def agent_runs(self, index: int) -> None:
        self.world.run(self.agent(index))

    @rule()
    def hub_runs(self) -> None:
        self.world.run("hub")

    @rule(index=st.integers(0, 3))
    def agent_succeeds(self, index: int) -> None:
        self.world.succeed(self.agent(index))

    @rule(index=st.integers(0, 3))
    def agent_fails(self, index: int) -> None:
        self.world.fail(self.agent(index))

    @rule()
    def delivery_succeeds(self) -> None:
        self.world.deliver(branch="kagents/demo", commit="c0ffee")

    @rule(code=st.sampled_from([1, 64, 74]))
    def delivery_fails(self, code: int) -> None:
        self.world.fail_delivery(code)

    @rule(value=st.sampled_from(["", "once", "again"]))
    def person_wants_another_delivery(self, value: str) -> None:
        self.world.retry(value)

    @rule(value=st.sampled_from(["", "one", "two"]))
    def person_wants_an_export(self, value: str) -> None:
        self.world.raw["metadata"]["annotations"]["claude.amcheste.io/export"] = value

    @rule(state=st.sampled_from(["sent", "failed"]), remembered=st.booleans())
    def receiver_answers(self, state: str, remembered: bool) -> None:
        """To all that status says is to be told; or the controller is started anew and remembers nothing."""
        if not remembered:
            self.world.outcomes.clear()
            return
        for record in self.world.raw["status"].get("notifications", ()):
            if record["state"] != "sent":
                self.world.outcomes[record["id"]] = NotificationOutcome(state, 1, self.world.now)
                if state == "sent":
                    self.world.step()
                    self.arrived.add(record["id"])

    @rule(index=st.integers(0, 4))
    def pod_is_lost(self, index: int) -> None:
        self.world.vanish("hub" if index == 4 else self.agent(index))

    @rule()
    def kubelet_collects(self) -> None:
        self.world.collect()

    @rule(index=st.integers(0, 2), value=st.sampled_from(["true", "false", "maybe"]))
    def person_decides(self, index: int, value: str) -> None:
        event = f"spawn-{NAMES[index]}"
        self.world.annotate(event, value)
        if value == "true":
            self.approved.add(event)

    @rule(value=st.sampled_from(["true", "false"]))
    def person_decides_the_end(self, value: str) -> None:
        self.world.annotate("finish", value)

    @rule(value=st.booleans())
    def person_suspends(self, value: bool) -> None:
        self.world.raw["spec"]["suspend"] = value

    @precondition(lambda self: len(self.world.events) > 3)
    @rule()
    def person_cancels(self) -> None:
        self.world.raw["spec"]["cancel"] = True

    @rule(minutes=st.integers(0, 50))
    def time_passes(self, minutes: int) -> None:
        self.world.now += timedelta(minutes=minutes)

    @rule(index=st.integers(0, 3), dollars=st.integers(0, 3))
    def money_is_spent(self, index: int, dollars: int) -> None:
        self.spent[self.agent(index)] += dollars
        models = [
            {"agent": name, "model": "m", "costMicros": each * 10**6} for name, each in self.spent.items()
        ]
        total = sum(self.spent.values())
        self.world.raw["status"] |= {
            "usage": {"costMicros": total * 10**6, "byModel": models},
            "estimatedCost": f"{total}.00",
        }

    @rule(team=st.booleans(), index=st.integers(0, 2))
    def person_raises_a_budget(self, team: bool, index: int) -> None:
        spec = self.world.raw["spec"]
        where, field = (spec["lifecycle"], "budgetLimit") if team else (self.mate(index), "budget")
        if where[field] is not None:
            where[field] = f"{float(where[field]) + 2:.2f}"

    def mate(self, index: int) -> dict:
        mates = self.world.raw["spec"]["teammates"]
        return mates[index % len(mates)]

    @rule(stops=st.lists(st.booleans(), max_size=2))
    def budgets_are_exceeded(self, stops: list[bool]) -> None:
        self.world.holds = tuple(Hold(f"budget-{at}", stop, "spent") for at, stop in enumerate(stops))

    def check(self, plan) -> None:
        """No gated pod without approval, no pod before its dependencies, none past a budget or the end."""
        assert not {effect.id for effect in plan.effects} & self.arrived, "told again"
        annotations = self.world.raw["metadata"]["annotations"]
        spec = self.world.raw["spec"]
        gates = {gate["event"] for gate in spec["lifecycle"]["approvalGates"]}
        for manifest in plan.apply:
            if manifest["kind"] != "Pod":
                continue
            name = manifest["metadata"]["labels"]["claude.amcheste.io/agent"]
            assert self.was_terminal is None or name == "export", f"pod for {name} after {self.was_terminal}"
            first = not self.world.agent_pods(name) and not self.had_pod(name)
            if name == "finish":
                self.check_delivery(spec, annotations)
            mate = next((m for m in spec["teammates"] if m["name"] == name), None)
            if mate or name == "lead":
                assert not (first and self.world.holds), f"{name} starts while a budget is exceeded"
                assert not any(hold.stop for hold in self.world.holds)
            if mate and first:
                event = f"spawn-{name}"
                assert event not in gates or annotations.get(f"approved.claude.amcheste.io/{event}") == "true"
                for dependency in mate["dependsOn"]:
                    assert self.completed(dependency), f"{name} before {dependency}"

    def check_budgets(self) -> None:
        """At rest nobody works whose budget is spent."""
        spec, world = self.world.raw["spec"], self.world
        if sum(self.spent.values()) >= float(spec["lifecycle"]["budgetLimit"]) and not self.all_ended():
            assert not any(world.running(name) for name in ("lead", *NAMES))
        for mate in spec["teammates"]:
            if mate["budget"] is not None and self.spent[mate["name"]] >= float(mate["budget"]):
                assert not world.running(mate["name"])

    def all_ended(self) -> bool:
        ended = [mate["phase"] for mate in self.world.raw["status"].get("teammates", ())]
        lead = self.world.raw["status"].get("lead")
        return {*ended, *([lead["phase"]] if lead else [])} <= {"Completed", "Failed"}

    def check_delivery(self, spec: dict, annotations: dict) -> None:
        """Nothing is delivered before everybody is done, nor past a gate that nobody opened."""
        names = [mate["name"] for mate in spec["teammates"]]
        assert spec["lifecycle"]["onComplete"] in ("push-branch", "create-pr")
        denied = {name for name in names if self.never_runs(name)}
        assert all(self.completed(name) for name in names if name not in denied)
        if "lead" in spec:
            assert self.completed("lead")
        if any(gate["event"] == "finish" for gate in spec["lifecycle"]["approvalGates"]):
            assert annotations.get("approved.claude.amcheste.io/finish") == "true"

    def never_runs(self, name: str) -> bool:
        """A person denied it, or one that it depends on."""
        spec = self.world.raw["spec"]
        mate = next(m for m in spec["teammates"] if m["name"] == name)
        annotations = self.world.raw["metadata"]["annotations"]
        denied = annotations.get(f"approved.claude.amcheste.io/spawn-{name}") == "false"
        return (denied and not self.had_pod(name)) or any(self.never_runs(d) for d in mate["dependsOn"])

    def had_pod(self, name: str) -> bool:
        return any(f"-{name}-" in created for created in self.world.created)

    def completed(self, name: str) -> bool:
        known = any(
            m["name"] == name and m["phase"] == "Completed"
            for m in self.world.raw["status"].get("teammates", ())
        )
        return known or any(p["status"]["phase"] == "Succeeded" for p in self.world.agent_pods(name))

    @invariant()
    def at_most_one_live_pod_an_agent(self) -> None:
        wishes = [
            pod["metadata"]["annotations"]["claude.amcheste.io/export"] for pod in self.world.live("export")
        ]
        assert len(wishes) == len(set(wishes)), "two pods for one export"
        for name in ("hub", "finish", "lead", *NAMES):
            assert len(self.world.live(name)) <= 1, f"two live pods of {name}"

    @invariant()
    def the_end_is_told_once(self) -> None:
        ends = {"team.completed", "team.failed", "team.timed-out", "team.cancelled", "budget.exceeded"}
        records = self.world.raw["status"].get("notifications", ())
        told = [record["event"] for record in records if record["event"] in ends and self.is_of_end(record)]
        assert len(told) == (1 if self.world.terminal and "observability" in self.world.raw["spec"] else 0)

    def is_of_end(self, record: dict) -> bool:
        """A budget that only suspends is told in the same words, and is no end."""
        return record["event"] != "budget.exceeded" or self.world.phase == "BudgetExceeded"

    @invariant()
    def the_end_is_final(self) -> None:
        if self.was_terminal:
            assert self.world.phase == self.was_terminal
        if self.world.terminal:
            self.was_terminal = self.world.phase

    def teardown(self) -> None:
        """Whatever happened: left alone, the world comes to rest; and a willing world completes."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.settle()
        self.check_budgets()
        if world.terminal:
            world.collect()
            world.settle()
            assert not any(world.live(name) for name in ("finish", "lead", *NAMES))
            return
        world.raw["spec"]["suspend"] = False
        world.holds = ()
        world.raw["spec"]["lifecycle"]["budgetLimit"] = "1000.00"
        for mate in world.raw["spec"]["teammates"]:
            mate["budget"] = None
        for event in [*(f"spawn-{name}" for name in NAMES), "finish"]:
            world.annotate(event, "true")
        world.retry("the end of the test")
        for _ in range(12):
            world.collect()
            world.settle()
            world.start_all()
            world.settle()
            for name in ("lead", *NAMES):
                world.succeed(name)
            world.settle()
            world.deliver(branch="kagents/demo", commit="c0ffee")
            world.settle()
            world.pass_time(minutes=6)
            if world.terminal:
                break
        assert world.terminal, f"never ended: {world.raw['status']}"


TestTeamLaws = TeamMachine.TestCase
TestTeamLaws.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
