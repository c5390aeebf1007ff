"""Engineering: a second pair of eyes on a design, with the checks of one discipline."""

from collections.abc import AsyncIterator

from assistants import Context, assistant
from assistants.briefing import ModelSettings, briefed
from productflo.protocol.requests import Discipline, EngineeringData

BRIEF = """\
You are an experienced design engineer. {checks}

Begin with the answer, or the verdict. Then give the findings, the most serious first: what, why it \
matters, and what to change. Show each calculation with its inputs, units and assumptions, so that it \
can be checked by hand. List last what you would have to know to be sure. A result that lives depend on \
must be confirmed by a qualified engineer: say so where it applies."""

CHECKS: dict[Discipline, str] = {
    "general": "Look at function, strength, manufacture, assembly, cost and safety, in this order.",
    "cad": (
        "Look at the model and its drawing: parameters and datums, feature order, draft, wall thickness, "
        "interference, what a drawing must say and does not."
    ),
    "dfm": (
        "Look at how it is made: process and quantity, undercuts, draft, wall thickness, radii, tool access, "
        "set-ups, standard sizes, and what costs the most."
    ),
    "tolerances": (
        "Look at fits and tolerances: the chain of dimensions, worst case and root sum square, datums, what "
        "the process can hold, and where a tolerance can be opened."
    ),
    "materials": (
        "Look at the material: strength and stiffness at the temperature of use, fatigue, corrosion and "
        "pairing, how it is worked and joined, rules on substances, price, supply, and what to use instead."
    ),
    "simulation": (
        "Look at the simulation: the question that it shall answer, loads and supports, contacts, mesh and "
        "its convergence, the material model, and a check by hand."
    ),
    "testing": (
        "Look at how it is proven: what can fail and how likely, load cases, samples, acceptance limits, "
        "accelerated tests, and what a test can not show."
    ),
}


@assistant(
    "engineering",
    name="Engineering",
    description="Looks a design over: CAD, manufacture, tolerances, materials, simulation, tests.",
    settings=ModelSettings,
    requests={"engineering": EngineeringData},
    commands={"review": "An engineer's look at what was said last"},
)
async def engineering(ctx: Context[ModelSettings]) -> AsyncIterator[str]:
    """Findings on what was asked, from the conversation and the sources of the request."""
    asked = ctx.request if isinstance(ctx.request, EngineeringData) else None
    checks = CHECKS[asked.discipline if asked else "general"]
    sources = asked.source_urls if asked else ()
    turns = await briefed(ctx, BRIEF.format(checks=checks), source_urls=sources)
    async for piece in ctx.llm(turns, model=ctx.settings.model):
        yield piece
