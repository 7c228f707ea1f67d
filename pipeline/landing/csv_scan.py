"""The first pass over a CSV: is it whole, is it text, does its header fit, are there rows."""

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pipeline.contracts.model import Entity
from pipeline.errors import FileRefusedError
from pipeline.landing.header import MAX_HEADER_BYTES, Header, read_header, split_header

_CHUNK = 1 << 20
_BOM = codecs.BOM_UTF8
_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"

# A row of a shop is some hundred bytes; a line beyond this is no row, and is not read to its end.
MAX_LINE_BYTES = 1 << 20


@dataclass(frozen=True)
class CsvFacts:
    """What the first pass learnt; see `Delivery` for the meaning of the fields."""

    sha256: str
    header: Header
    body_at: int
    quoted: bool


class _HashingReader(io.RawIOBase):
    """Reads a file and hashes its stored bytes on the way."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001 - typeshed's WriteableBuffer
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self._hash.update(data)
        return len(data)

    def sha256(self) -> str:
        return self._hash.hexdigest()


def scan_csv(raw: BinaryIO, entity: Entity, *, packed: bool) -> CsvFacts:
    """Read a CSV once, in pieces of bounded size, and check it as a whole.

    Args:
        raw: The stored bytes from their first.
        entity: The contract whose columns the header must have.
        packed: Whether the stored bytes are gzip.

    Raises:
        FileRefusedError: The file fails a file-level check.
    """
    reader = _HashingReader(raw)
    stored = io.BufferedReader(reader, _CHUNK)
    _check_magic(stored.peek(4)[:4], packed=packed)
    scan = _TextScan(entity)
    for chunk in _unpacked(stored) if packed else iter(lambda: stored.read(_CHUNK), b""):
        scan.feed(chunk)
    header, body_at = scan.finish()
    return CsvFacts(reader.sha256(), header, body_at, scan.quoted)


def _check_magic(magic: bytes, *, packed: bool) -> None:
    if not magic:
        raise FileRefusedError("empty", "The file is empty.", "Deliver it again with its rows.")
    if packed != magic.startswith(_GZIP_MAGIC) or magic.startswith(_ZIP_MAGIC):
        found = {_GZIP_MAGIC: "gzip", _ZIP_MAGIC[:2]: "a zip archive or workbook"}.get(
            magic[:2], "something else"
        )
        expected = "gzip" if packed else "plain text"
        raise FileRefusedError(
            "content",
            f"Its extension promises {expected}, its content is {found}.",
            "Deliver it under the extension of its format.",
        )


def _unpacked(stored: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=stored, mode="rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileRefusedError(
            "truncated",
            f"The gzip stream is cut off or damaged: {error}.",
            "Deliver the whole file again.",
        ) from error


class _TextScan:
    """Holds text against what every CSV must be, chunk by chunk."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._between_characters = True
        self._read = 0
        self._head = b""
        self._header: tuple[Header, int] | None = None
        self._has_rows = False
        self._line_bytes = 0
        self.quoted = False

    def feed(self, chunk: bytes) -> None:
        self._check_text(chunk)
        self._check_lines(chunk)
        self.quoted = self.quoted or b'"' in chunk
        body = chunk
        if self._header is None:
            body = self._feed_head(chunk)
        self._has_rows = self._has_rows or bool(body.strip(b"\r\n"))
        self._read += len(chunk)

    def _check_text(self, chunk: bytes) -> None:
        if b"\0" in chunk:
            place = self._read + chunk.index(b"\0") + 1
            raise FileRefusedError(
                "encoding",
                f"Byte {place} of its text is NUL; expected UTF-8 text.",
                "Deliver it as UTF-8 text.",
            )
        if self._between_characters and chunk.isascii():
            return
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError as error:
            place = max(self._read + error.start - len(error.object) + len(chunk), 0) + 1
            raise FileRefusedError(
                "encoding",
                f"Its text is not UTF-8: byte {place} is 0x{error.object[error.start]:02x}.",
                "Deliver it as UTF-8.",
            ) from error
        self._between_characters = not self._decoder.getstate()[0]

    def _check_lines(self, chunk: bytes) -> None:
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        first = min((i for i in (chunk.find(b"\n"), chunk.find(b"\r")) if i >= 0), default=-1)
        reached = self._line_bytes + (len(chunk) if first < 0 else first)
        if reached > MAX_LINE_BYTES:
            raise FileRefusedError(
                "line",
                f"A line is longer than {MAX_LINE_BYTES:,} bytes.",
                "Check the line ends and the quotes of the file.",
            )
        self._line_bytes = reached if end < 0 else len(chunk) - end - 1

    def _feed_head(self, chunk: bytes) -> bytes:
        """Collect the beginning until the header is whole; return what follows it."""
        self._head += chunk
        bom = len(_BOM) if self._head.startswith(_BOM) else 0
        text = self._head[bom : bom + MAX_HEADER_BYTES].decode("utf-8", errors="ignore")
        parsed = split_header(text)
        if parsed is None:
            if len(self._head) > MAX_HEADER_BYTES:
                raise FileRefusedError(
                    "header",
                    f"Its header does not end within {MAX_HEADER_BYTES:,} bytes.",
                    "Check the line ends and the quotes of the file.",
                )
            return b""
        names, characters = parsed
        body_at = bom + len(text[:characters].encode())
        self._header = (read_header(names, self._entity), body_at)
        body, self._head = self._head[body_at:], b""
        return body

    def finish(self) -> tuple[Header, int]:
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise FileRefusedError(
                "encoding", "Its last character is cut off.", "Deliver the whole file again."
            ) from error
        if self._header is None:
            self._refuse_without_rows()
        if self._header is None or not self._has_rows:
            raise FileRefusedError(
                "empty", "It has a header and no rows.", "Deliver it again with its rows."
            )
        return self._header

    def _refuse_without_rows(self) -> None:
        """Tell a file that is a header only from one whose only line is something else."""
        text = self._head.removeprefix(_BOM).decode("utf-8", errors="ignore")
        parsed = split_header(f"{text}\n")
        if parsed is None:
            hint = "Deliver it again with its rows."
            raise FileRefusedError("empty", "It has neither header nor rows.", hint)
        read_header(parsed[0], self._entity)
