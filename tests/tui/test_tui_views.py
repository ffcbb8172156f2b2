"""From view to view: kinds, history, namespaces on digits, all columns, any order, marks."""


async def start_with_rows(t):
    await t.shows("q3-report", "api-audit")


def cursor(t):
    return t.app.screen.table().current.name


def crumbs(t):
    return t.lines()[1]


async def test_a_kind_takes_a_namespace_a_filter_and_labels(terminal, cluster):
    cluster.teams[0]["metadata"]["labels"] = {"tier": "gold"}
    name = cluster.teams[0]["metadata"]["name"]
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("colon", *"teams /-agents tier=gold", "enter")
        await t.shows("Teams[1] /-agents tier=gold", name)
        await t.press("escape", "colon", *"t ops-agents /dep", "enter")
        await t.shows("Teams[1] /dep", "dependency-bump")
        assert t.app.namespaces == ("ops-agents",)


async def test_a_kind_of_another_context(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("colon", *"gates @nowhere", "enter")
        await t.shows("there is no context 'nowhere'")
        await t.press("colon", *"gates @kind-other", "enter")
        await t.until(lambda: "kind-other" in t.lines()[0] and "Gates[1]" in crumbs(t))


async def test_the_history_of_views(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("slash", *"agents", "enter", "v")
        await t.shows("Gates[1]")
        await t.press("enter")
        await t.shows("cowork-agents / q3-report")
        await t.press("[")
        await t.shows("Gates[1]")
        await t.press("[")
        await t.shows("Teams[8] /agents")
        await t.press("[")
        await t.shows("this is the first view of the history")
        await t.press("]", "]")
        await t.shows("cowork-agents / q3-report")
        await t.press("]")
        await t.shows("this is the latest view of the history")


async def test_to_the_last_view_and_back(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("-")
        await t.shows("there was no view before this one")
        await t.press("v")
        await t.shows("Gates[1]")
        await t.press("-")
        await t.shows("Teams[8]")
        await t.press("-")
        await t.shows("Gates[1]")


async def test_escape_from_a_view_can_be_undone(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("v")
        await t.shows("Gates[1]")
        await t.press("escape")
        await t.shows("Teams[8]")
        await t.press("-")
        await t.shows("Gates[1]")


async def test_namespaces_on_digits(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.shows("0 all 1 dev-agents")
        await t.press("1")
        await t.until(lambda: "Teams[4]" in crumbs(t) and t.app.namespaces == ("dev-agents",))
        await t.press("0")
        await t.until(lambda: "Teams[8]" in crumbs(t) and t.app.namespaces == ())
        await t.press("9")
        await t.shows("no namespace has the digit 9 yet")


async def test_a_namespace_that_was_typed_gets_a_digit(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("colon", *"ns other", "enter")
        await t.shows("other")
        assert "other" in t.app.favourites.names


async def test_namespaces_are_chosen_from_a_list(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("colon", *"ns", "enter")
        await t.shows("Namespaces[4]", "cowork-agents", "dev-agents", "ops-agents")
        await t.press("slash", *"ops", "enter", "enter")
        await t.until(lambda: t.app.namespaces == ("ops-agents",) and "Teams[3]" in crumbs(t))


async def test_several_namespaces_are_marked_and_shown_together(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("colon", *"ns", "enter")
        await t.shows("Namespaces[4]")
        await t.press("j", "space", "j", "space", "enter")
        await t.until(lambda: t.app.namespaces == ("cowork-agents", "ops-agents"))
        await t.shows("Teams[4]")


async def test_contexts_are_chosen_from_a_list(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("colon", *"ctx", "enter")
        await t.shows("Contexts[2]", "kind-other")
        await t.press("G", "enter")
        await t.until(lambda: "kind-other" in t.lines()[0] and "Teams[8]" in crumbs(t))


async def test_any_column_orders_and_reverses(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press(">")
        await t.shows("sorted: namespace")
        await t.press(">", "O")
        await t.until(lambda: "sorted: name" in crumbs(t) and "rehearsal" in t.lines()[3])
        await t.press("<", "<")
        await t.until(lambda: "sorted" not in crumbs(t))
        await t.press("O")
        await t.shows("choose a column first")
        await t.press("P")
        await t.shows("sorted: namespace")


async def test_a_click_on_a_title_sorts(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        at = t.lines()[2].index("PHASE")
        await t.pilot.click("#body", offset=(at, 0))
        await t.shows("sorted: phase")


async def test_all_columns_and_further_right(terminal):
    async with terminal(size=(80, 24)) as t:
        await start_with_rows(t)
        await t.press("right")
        await t.shows("ctrl-w shows all")
        await t.press("ctrl+w")
        await t.shows("wide")
        for _ in range(12):
            await t.press("right")
        await t.shows("UID")
        assert "NAMESPACE" in t.lines()[2]
        await t.press("ctrl+w")
        await t.until(lambda: "UID" not in t.text() and "PHASE" in t.text())


async def test_only_what_needs_a_person(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("ctrl+z")
        await t.until(lambda: "needs you" in crumbs(t) and "api-audit" not in t.text())
        await t.shows("q3-report")
        await t.press("ctrl+z")
        await t.shows("api-audit")


async def test_everything_is_read_anew(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("j", "j", "ctrl+r")
        await t.shows("reading everything anew")
        await t.shows("Teams[8]")


async def test_rows_are_marked_alone_and_as_a_range(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("space")
        await t.shows("1 marked")
        assert cursor(t) == "dependency-bump"
        await t.press("j", "j", "ctrl+@")
        await t.shows("4 marked")
        assert t.lines()[3].startswith(" »")
        await t.press("slash", *"q3", "enter")
        await t.shows("4 marked (3 not shown)")
        await t.press("escape")
        await t.shows("4 marked")
        await t.press("ctrl+backslash")
        await t.until(lambda: "marked" not in t.text())
        await t.press("space", "escape")
        await t.until(lambda: "marked" not in t.text())


async def test_a_mark_goes_with_its_object(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("space")
        await t.shows("1 marked")
        cluster.remove("cowork-agents", "q3-report")
        await t.until(lambda: "marked" not in t.text())


async def test_the_last_good_filter_stays_while_a_bad_one_is_typed(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("slash", *"ops(")
        await t.shows("is no regular expression", "Teams[3] /ops")
        await t.press("backspace")
        await t.until(lambda: "is no regular expression" not in t.text())
