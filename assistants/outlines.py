"""What belongs into each kind of document."""

from dataclasses import dataclass

from productflo.protocol.requests import DocType


@dataclass(frozen=True, slots=True)
class Outline:
    """The sections of a kind of document, advice on writing it, and what else people call it."""

    sections: tuple[str, ...]
    advice: str
    also: tuple[str, ...] = ()


OUTLINES: dict[DocType, Outline] = {
    "technical_specification": Outline(
        (
            "Purpose and scope",
            "Description",
            "Functions",
            "Performance",
            "Interfaces",
            "Materials and finish",
            "Environment",
            "Safety and compliance",
            "Verification",
        ),
        "Number each requirement and make it one that can be measured, with its unit and tolerance.",
        ("tech spec", "specification"),
    ),
    "bom": Outline(
        ("Assembly", "Parts", "Purchased parts", "Consumables", "Cost"),
        "Give the parts as tables: item, part number, name, quantity, unit, material, supplier, unit cost, "
        "remarks. An unknown part number or price is TBD, never a guess.",
        ("bill of materials", "parts list"),
    ),
    "dfm_analysis": Outline(
        ("Summary", "Process and quantity", "Findings", "Cost drivers", "Recommended changes", "Risks"),
        "Give the findings as a table: feature, problem, severity, recommendation.",
        ("design for manufacturing", "manufacturability"),
    ),
    "user_manual": Outline(
        (
            "About this product",
            "Safety",
            "What is in the box",
            "Setting up",
            "Using it",
            "Care and maintenance",
            "Troubleshooting",
            "Technical data",
            "Disposal",
        ),
        "Write for somebody who has never seen the product: numbered steps, one action each, warnings "
        "before the step that they are about.",
        ("manual", "instructions"),
    ),
    "datasheet": Outline(
        ("Overview", "Features", "Applications", "Specifications", "Dimensions", "Ordering"),
        "Two pages at most. Give the specifications as tables: parameter, condition, minimum, typical, "
        "maximum, unit.",
        ("data sheet",),
    ),
    "requirements": Outline(
        (
            "Background and goals",
            "Users and uses",
            "Functional requirements",
            "Performance",
            "Constraints",
            "Compliance",
            "Out of scope",
            "Acceptance",
        ),
        "Give each requirement an id (R1, R2, ...), one `shall`, a reason, a priority (must, should, could) "
        "and how it is verified.",
        ("requirement",),
    ),
    "test_plan": Outline(
        (
            "Scope",
            "Items and samples",
            "Test cases",
            "Equipment",
            "Acceptance criteria",
            "Schedule and roles",
            "Risks",
        ),
        "Give the test cases as a table: id, requirement, set-up, procedure, load or stimulus, "
        "acceptance limit, samples.",
        ("testplan", "plan for testing"),
    ),
    "engineering_drawing": Outline(
        (
            "Title block",
            "Views and sections",
            "Dimensions and tolerances",
            "Datums and geometric tolerances",
            "Material and finish",
            "Notes",
        ),
        "Describe in words and tables what the drawing must show, so that it can be drawn without asking; "
        "give the standard by which tolerances are read.",
        ("drawing",),
    ),
    "compliance_documentation": Outline(
        (
            "Product and intended use",
            "Markets",
            "Applicable rules and standards",
            "Risk assessment",
            "Evidence",
            "Declarations and markings",
            "Responsibilities",
        ),
        "Give the rules as a table: rule, why it applies, evidence, state. Name no rule of which you are not "
        "sure; this is no legal advice, and the document says so.",
        ("compliance", "declaration of conformity"),
    ),
}
