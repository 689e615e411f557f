"""Lines of `/tracklets:bulk`: by embedding they are ready, by frames they are embedded first."""

from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial

from service.api.base64_frames import decode_frames
from service.api.bulk_lines import ParsedLine
from service.api.dependencies import frames_answer
from service.api.embedding_codec import embedding_of_model
from service.api.line_schemas import BulkLine
from service.api.lines_in import Line
from service.api.patient_embedding import embed_patiently
from service.api.request_urgency import Pace
from service.api.tracklet_wire import metadata_of
from service.api.validation import parse_json
from service.errors import InvalidInput, ReidError
from service.gallery.enrolment import Enrolment
from service.gallery.records import TrackletMetadata, check_identifier
from service.media.tracklet_source import EncodedFrames
from service.runtime import Runtime


@dataclass(frozen=True, slots=True)
class FramesLine:
    """A tracklet that is still to be embedded."""

    number: int
    tracklet_id: str
    source: EncodedFrames
    metadata: TrackletMetadata
    if_seq: int | None


@dataclass(frozen=True, slots=True)
class BulkFrames:
    """Reads and embeds the lines of one request.

    Args:
        runtime: Held for the whole request, so that all lines are of one model.
        pace: Of each line with frames.
    """

    runtime: Runtime
    pace: Pace

    def parse(self, line: Line) -> ParsedLine | FramesLine:
        """What a line says."""
        try:
            said = parse_json(BulkLine, line.raw, fault=InvalidInput)
            metadata = metadata_of(said.metadata)
            if said.frames is not None:
                check_identifier("tracklet id", said.tracklet_id)
                source = decode_frames(said.frames, most=self.runtime.settings.max_frames)
                return FramesLine(line.number, said.tracklet_id, source, metadata, said.if_seq)
            served = self.runtime.manifest.model.fingerprint
            sent = said.embedding if said.embedding is not None else ""
            embedding = embedding_of_model(sent, stated=said.model, served=served)
            enrolment = Enrolment(said.tracklet_id, embedding, metadata, said.if_seq)
            return ParsedLine(line.number, enrolment)
        except ReidError as error:
            return ParsedLine(line.number, error=error)

    def ready(
        self, line: ParsedLine | FramesLine
    ) -> ParsedLine | Coroutine[None, None, ParsedLine]:
        """The line as it can be enrolled: at once, or when it has been embedded."""
        return line if isinstance(line, ParsedLine) else self._embedded(line)

    async def _embedded(self, line: FramesLine) -> ParsedLine:
        failed = partial(ParsedLine, line.number, tracklet_id=line.tracklet_id)
        try:
            embedded = await embed_patiently(self.runtime, line.source, *self.pace.begin())
        except ReidError as error:
            return failed(error=error)
        enrolment = Enrolment(line.tracklet_id, embedded.embedding, line.metadata, line.if_seq)
        return ParsedLine(line.number, enrolment, frames=frames_answer(embedded.decoded))
