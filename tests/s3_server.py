"""An S3-compatible server on loopback, in this process: objects in memory, what it is asked is kept, and it can fail.

Of the protocol what file systems use: objects put, got (ranges too), copied, listed (page by page) and removed, and
uploads in parts. Checksums and signatures are not looked at, but for the name of the key.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY, SECRET = "loopback-key", "planted-secret-9f2c"
PAGE = 50  # objects in a listing's page


@dataclass
class S3:
    """The server's content, and what it was asked: method and path of every request.

    `fault` is asked before anything is done, with method and path: a status to answer with, or None.
    """

    url: str
    buckets: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"bucket": {}})
    written: dict[str, datetime] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    fault: Callable[[str, str], int | None] = lambda method, path: None

    @property
    def objects(self) -> dict[str, bytes]:
        """Of the one bucket."""
        return self.buckets["bucket"]

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def running_s3() -> Iterator[S3]:
    """Run a server with one empty bucket, named ``bucket``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.s3 = S3(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server.s3
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def log_message(self, *arguments: Any) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _handle(self) -> None:
        self.s3, parts = self.server.s3, urlsplit(self.path)
        bucket, _, self.key = unquote(parts.path).lstrip("/").partition("/")
        self.query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.body = self._read_body()
        self.s3.asked.append((self.command, unquote(parts.path)))
        status = self.s3.fault(self.command, unquote(parts.path))
        if status is not None:
            self._refuse(status, {403: "AccessDenied", 503: "SlowDown"}.get(status, "InternalError"))
        elif f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            self._refuse(403, "InvalidAccessKeyId")
        elif bucket not in self.s3.buckets:
            self._refuse(404, "NoSuchBucket")
        else:
            self.objects = self.s3.buckets[bucket]
            getattr(self, f"_{self.command.lower()}")()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - http.server's names

    def _read_body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return body
        found, rest = b"", body
        while True:
            head, _, rest = rest.partition(b"\r\n")
            size = int(head.split(b";")[0], 16)
            if not size:
                return found
            found, rest = found + rest[:size], rest[size + 2 :]

    def _store(self, content: bytes) -> None:
        self.objects[self.key] = content
        self.s3.written[self.key] = datetime.now(UTC)

    def _put(self) -> None:
        source = self.headers.get("x-amz-copy-source")
        if source is not None:
            content = self.objects.get(unquote(source).lstrip("/").partition("/")[2])
            if content is None:
                self._refuse(404, "NoSuchKey")
                return
            self._store(content)
            self._answer(200, f"<CopyObjectResult><ETag>{_etag(content)}</ETag></CopyObjectResult>".encode())
        elif "uploadId" in self.query:
            self.s3.uploads[self.query["uploadId"]][int(self.query["partNumber"])] = self.body
            self._answer(200, ETag=_etag(self.body))
        else:
            self._store(self.body)
            self._answer(200, ETag=_etag(self.body))

    def _post(self) -> None:
        if "uploads" in self.query:
            name = f"upload-{len(self.s3.uploads)}"
            self.s3.uploads[name] = {}
            body = f"<InitiateMultipartUploadResult><UploadId>{name}</UploadId></InitiateMultipartUploadResult>"
            self._answer(200, body.encode())
        elif "uploadId" in self.query:
            parts = self.s3.uploads.pop(self.query["uploadId"])
            self._store(b"".join(parts[number] for number in sorted(parts)))
            etag = f"<ETag>{_etag(self.body)}</ETag>"
            body = f"<CompleteMultipartUploadResult>{etag}</CompleteMultipartUploadResult>"
            self._answer(200, body.encode())
        else:  # ?delete
            tree = ET.fromstring(self.body)  # noqa: S314 - what this test's own client has sent
            names = [each.text or "" for each in tree.iter() if each.tag.endswith("Key")]
            for name in names:
                self.objects.pop(name, None)
            self._answer(200, b"<DeleteResult></DeleteResult>")

    def _delete(self) -> None:
        self.objects.pop(self.key, None)
        self._answer(204)

    def _head(self) -> None:
        self._get()

    def _get(self) -> None:
        if not self.key:
            self._list()
        elif self.key not in self.objects:
            self._refuse(404, "NoSuchKey")
        else:
            content = self.objects[self.key]
            told = {"ETag": _etag(content), "Last_Modified": format_datetime(self.s3.written[self.key], usegmt=True)}
            wanted = self.headers.get("Range")
            if wanted is None:
                self._answer(200, content, **told)
                return
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            stop = min(int(last or len(content)), len(content) - 1)
            told["Content_Range"] = f"bytes {first}-{stop}/{len(content)}"
            self._answer(206, content[int(first) : stop + 1], **told)

    def _list(self) -> None:
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter", "")
        after = self.query.get("continuation-token", self.query.get("start-after", ""))
        limit = min(int(self.query.get("max-keys", PAGE)), PAGE)
        files, folders = [], []
        names = sorted(name for name in self.objects if name.startswith(prefix) and name > after)
        for name in names[:limit]:
            cut = name.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                folders.append(name[: cut + 1])
                continue
            modified = self.s3.written[name].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            files.append(
                f"<Contents><Key>{escape(name)}</Key><Size>{len(self.objects[name])}</Size><LastModified>{modified}"
                f"</LastModified><ETag>{_etag(self.objects[name])}</ETag></Contents>"
            )
        folders = dict.fromkeys(folders)
        common = [f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders]
        more = len(names) > limit
        token = f"<NextContinuationToken>{escape(names[limit - 1])}</NextContinuationToken>" if more else ""
        body = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(files)}{''.join(common)}"
        self._answer(200, f"<ListBucketResult>{body}</ListBucketResult>".encode())


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
