"""How an error is written: as the service does, or as the convention of the path has it."""

import orjson

from service.api.answers import Answer, ErrorAnswer, ErrorDetail

KSERVE_PATH = "/v2"
OPENAI_PATH = "/v1/"

_INVALID_REQUEST = "invalid_request_error"
_OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


class KserveErrorAnswer(Answer):
    """An error of the Open Inference Protocol: text alone."""

    error: str


class OpenaiErrorDetail(ErrorDetail):
    """What OpenAI's clients look for, beside what the service says of every error."""

    type: str
    param: str | None = None


class OpenaiErrorAnswer(Answer):
    """An error as OpenAI's clients read it."""

    error: OpenaiErrorDetail


def error_body(path: str, status: int, detail: ErrorDetail) -> bytes:
    """The body of an error's answer.

    Args:
        path: That was asked for.
        status: Of the answer.
        detail: What there is to say.
    """
    answer: Answer = ErrorAnswer(error=detail)
    if path == KSERVE_PATH or path.startswith(f"{KSERVE_PATH}/"):
        answer = KserveErrorAnswer(error=detail.message)
    elif path.startswith(OPENAI_PATH):
        answer = OpenaiErrorAnswer(
            error=OpenaiErrorDetail(**detail.model_dump(), type=_openai_type(status))
        )
    return orjson.dumps(answer.model_dump())


def _openai_type(status: int) -> str:
    return _OPENAI_TYPES.get(status, "server_error" if status >= 500 else _INVALID_REQUEST)
