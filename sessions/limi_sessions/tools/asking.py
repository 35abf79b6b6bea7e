"""todo_write and ask_user: what the agent says to the expert beside its answers."""

from __future__ import annotations

from limi_sessions.records.message import ToolSchema
from limi_sessions.records.value import JsonObject
from limi_sessions.tools.arguments import objects_of, text_of, texts_of
from limi_sessions.tools.schema import array, choice, object_schema, string
from limi_sessions.tools.tool import Effect, Preview, ToolContext, ToolResult

_BOXES = {"pending": "[ ]", "in_progress": "[>]", "completed": "[x]", "cancelled": "[-]"}


class TodoWrite:
    """Replace the list of steps."""

    effect: Effect = "none"
    schema = ToolSchema(
        name="todo_write",
        description="Replace your list of steps, shown to the expert. Give the whole list each time, in order.",
        parameters=object_schema(
            {
                "todos": array(
                    "All steps.",
                    object_schema(
                        {
                            "description": string("What is done in this step.", shortest=1, longest=1000),
                            "status": choice("Where it stands.", *_BOXES),
                        },
                        required=("description", "status"),
                    ),
                    most=100,
                )
            },
            required=("todos",),
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The list."""
        return Preview(title="write the list of steps", body=_listed(objects_of(arguments, "todos")), form="text")

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """The list as it now stands."""
        todos = objects_of(arguments, "todos")
        await context.write_todos(todos)
        return ToolResult(status="done", text=_listed(todos) or "the list is empty")


class AskUser:
    """Ask the expert."""

    effect: Effect = "none"
    schema = ToolSchema(
        name="ask_user",
        description="Ask the expert one question and wait for the answer. Use it when only a person can decide.",
        parameters=object_schema(
            {
                "question": string("The question.", shortest=1, longest=4000),
                "options": array("Answers to choose from; others stay possible.", string("One answer."), most=10),
            },
            required=("question",),
        ),
    )

    def preview(self, arguments: JsonObject, context: ToolContext) -> Preview:
        """The question and its options."""
        options = "".join(f"\n- {option}" for option in texts_of(arguments, "options"))
        return Preview(title="ask the expert", body=f"{text_of(arguments, 'question')}{options}", form="text")

    async def run(self, arguments: JsonObject, context: ToolContext) -> ToolResult:
        """The answer, verbatim."""
        answer = await context.ask(text_of(arguments, "question"), texts_of(arguments, "options"))
        if answer is None:
            return ToolResult(status="denied", text="denied: nobody is here")
        return ToolResult(status="done", text=answer)


def _listed(todos: tuple[JsonObject, ...]) -> str:
    return "\n".join(f"{_BOXES[text_of(todo, 'status')]} {text_of(todo, 'description')}" for todo in todos)
