# No twin: asyncio's own TLS does this for the asyncio engine.
# Owns the records that wait to leave or to be read. Runs on the loop's thread.
#
# An SSLObject, made by the user's context, does the handshake: so whatever hangs on a context
# (SNI, key log, ALPN, certificates) behaves as in the ssl module. Afterwards its SSL* is borrowed
# where the layout of the object is known; where it is not, the SSLObject goes on.
"""TLS between a stream and its socket."""

import os
import ssl
import sys
import sysconfig

import _ssl

from cpython.buffer cimport PyBUF_READ, PyBUF_WRITE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.errno cimport errno
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from trunkline.native.backlog cimport tl_backlog_free, tl_backlog_reserve
from trunkline.native.layer cimport ENDED, FAILED, LATER, Layer
from trunkline.native.openssl cimport (
    TL_TLS_FAILED,
    tl_tls_attach,
    tl_tls_free_bio,
    tl_tls_load,
    tl_tls_new_bio,
    tl_tls_owner,
    tl_tls_pending,
    tl_tls_read,
    tl_tls_reason,
    tl_tls_shutdown,
    tl_tls_write,
)
from trunkline.native.poller cimport BUFFER_BYTES, Poller
from trunkline.native.sockets cimport EAGAIN, EINTR, tl_send
from trunkline.native.sockets cimport recv as socket_recv
from trunkline.native.stream cimport Stream

cdef extern from *:
    """
    /* How _ssl._SSLSocket begins (Modules/_ssl.c); see KNOWN_LAYOUTS. */
    typedef struct {
        PyObject_HEAD
        PyObject *socket;
        void *ssl;
    } tl_ssl_socket;
    """
    ctypedef struct tl_ssl_socket:
        void* ssl

cdef enum:
    RECORD_BYTES = 16384  # RFC 8446 §5.1
    RECORD_OVERHEAD = 256  # at most, RFC 8446 §5.2

# Versions of CPython in which the SSL* was found where it is looked for.
KNOWN_LAYOUTS = {(3, 11), (3, 12), (3, 13)}


cdef class TlsLayer(Layer):
    def __dealloc__(self):
        tl_backlog_free(&self.sealed)

    # Receiving

    cdef ssize_t recv(self, uint8_t* target, size_t size) except -3:
        cdef:
            ssize_t count
            bint was_sealed = self.sealed != NULL
        if not (self.is_over or self.has_records()):
            count = self.fetch()
            if count < 0:
                return count
        count = self.unseal_all(target, size)
        self.put_by()
        # Reading writes too: alerts, and answers to key updates. What waits goes on waiting.
        if self.sealed != NULL and not was_sealed and self.flush() == FAILED:
            return FAILED
        return count

    cdef bint holds(self) except -1:
        return (
            self.is_over
            or self.has_records()
            or self.below is not None and self.below.holds()
        )

    cdef ssize_t fetch(self) except -3:
        """Receive records, once."""
        cdef ssize_t count
        cdef uint8_t* buffer
        if self.below is not None:
            return self.fetch_below()
        buffer = self.poller.room_for_records()
        count = socket_recv(self.fd, buffer, BUFFER_BYTES, 0)
        if count > 0:
            self.feed(buffer, count)
            return count
        if count < 0 and (errno == EAGAIN or errno == EINTR):
            return LATER
        self.error = truncation() if count == 0 else OSError(errno, os.strerror(errno))
        return FAILED

    cdef ssize_t fetch_below(self) except -3:
        cdef uint8_t buffer[RECORD_BYTES]
        cdef ssize_t count = self.below.recv(buffer, RECORD_BYTES)
        if count > 0:
            self.feed(buffer, count)
            return count
        if count == LATER:
            return LATER
        self.error = truncation() if count == ENDED else self.below.error
        return FAILED

    cdef ssize_t unseal_all(self, uint8_t* target, size_t size) except -3:
        """Decrypt until the room is used up, or there is no more."""
        cdef:
            size_t total = 0
            ssize_t count = LATER
        while total < size:
            count = self.unseal(target + total, size - total)
            if count <= 0:
                break
            total += count
            if not self.has_records():
                # OpenSSL would say so as well, for a fifth of what a short record costs.
                break
        if total == 0:
            return count
        # What was decrypted before the end goes first.
        self.is_over = count == ENDED or count == FAILED
        return total

    # Sending

    cdef ssize_t send(self, const uint8_t* data, size_t size) except -3:
        cdef:
            ssize_t count
            size_t total = 0
            size_t room = min(size, <size_t>BUFFER_BYTES)
        if self.flush() == FAILED:
            return FAILED
        if self.sealed != NULL:
            return LATER
        room += (room // RECORD_BYTES + 1) * RECORD_OVERHEAD
        self.sealed, self.poller.sealed = self.poller.sealed, NULL
        if tl_backlog_reserve(&self.sealed, room) == NULL:
            raise MemoryError
        while total < size and (total == 0 or self.sealed.size < BUFFER_BYTES):
            count = self.seal(data + total, min(size - total, <size_t>RECORD_BYTES))
            if count <= 0:
                return FAILED
            total += count
        return FAILED if self.flush() == FAILED else total

    cdef ssize_t flush(self) except -3:
        cdef ssize_t count
        while self.sealed != NULL:
            if self.sealed.size == 0:
                self.give_back()
                break
            if self.below is not None:
                count = self.below.send(self.sealed.bytes + self.sealed.start, self.sealed.size)
                self.error = self.below.error
            else:
                count = tl_send(self.fd, self.sealed.bytes + self.sealed.start, self.sealed.size)
                if count < 0 and errno == EINTR:
                    continue
                if count < 0 and errno != EAGAIN:
                    self.error = OSError(errno, os.strerror(errno))
                    return FAILED
            if count < 0:
                return FAILED if count == FAILED else 0
            self.sealed.start += count
            self.sealed.size -= count
        return 0 if self.below is None else self.below.flush()

    cdef int give_back(self) noexcept:
        """Leave the room for records to the next one who sends."""
        if self.poller.sealed == NULL:
            self.sealed.start = 0
            self.sealed, self.poller.sealed = NULL, self.sealed
        tl_backlog_free(&self.sealed)
        return 0

    cdef size_t unsent(self) noexcept:
        cdef size_t size = 0 if self.sealed == NULL else self.sealed.size
        return size if self.below is None else size + self.below.unsent()

    cdef int end(self) except -1:
        if self.has_said_end or self.error is not None:
            return 0
        self.has_said_end = True
        self.say_end()
        if self.flush() == FAILED:
            # Nobody is there to hear it.
            tl_backlog_free(&self.sealed)
        return 0

    # What is known

    cdef object get_extra_info(self, str name):
        if name == "ssl_object":
            return self.ssl_object
        if name == "sslcontext":
            return self.context
        if name == "peercert":
            return self.ssl_object.getpeercert()
        if name == "cipher":
            return self.ssl_object.cipher()
        return self.ssl_object.compression() if name == "compression" else None

    # Of the two kinds

    cdef bint has_records(self) except -1:
        """Whether something has arrived that was not decrypted, or not asked for."""
        raise NotImplementedError

    cdef int feed(self, const uint8_t* data, size_t size) except -1:
        """Take records; there are none that were not read."""
        raise NotImplementedError

    cdef int put_by(self) except -1:
        """Keep what was not read: the buffer that it stands in is needed."""
        return 0

    cdef ssize_t unseal(self, uint8_t* target, size_t size) except -3:
        """Decrypt: the number of bytes, ENDED, LATER or FAILED."""
        raise NotImplementedError

    cdef ssize_t seal(self, const uint8_t* data, size_t size) except -3:
        """Encrypt: the number of bytes, or FAILED."""
        raise NotImplementedError

    cdef int say_end(self) except -1:
        """Write close_notify."""
        raise NotImplementedError


cdef class Pipes:
    def __cinit__(self):
        self.bio = tl_tls_new_bio()
        if self.bio == NULL:
            raise MemoryError

    def __dealloc__(self):
        if self.bio != NULL:
            tl_tls_free_bio(self.bio)


cdef void* bio_of(Poller poller) except NULL:
    """Give what all connections of `poller` share: for each its own would be 200 bytes."""
    if poller.pipes is None:
        poller.pipes = Pipes.__new__(Pipes)
    return (<Pipes>poller.pipes).bio


cdef class BorrowedLayer(TlsLayer):
    def __dealloc__(self):
        tl_backlog_free(&self.held)

    cdef bint has_records(self) except -1:
        return self.pipe.in_size > 0 or tl_tls_pending(self.ssl) > 0

    cdef int feed(self, const uint8_t* data, size_t size) except -1:
        self.pipe.in_ = data
        self.pipe.in_size = size
        return 0

    cdef int put_by(self) except -1:
        cdef size_t size = self.pipe.in_size
        if self.held != NULL:
            # It stands there already.
            if size == 0:
                tl_backlog_free(&self.held)
            return 0
        if size == 0:
            return 0
        if tl_backlog_reserve(&self.held, size) == NULL:
            raise MemoryError
        memcpy(self.held.bytes, self.pipe.in_, size)
        self.held.size = size
        self.pipe.in_ = self.held.bytes
        return 0

    cdef ssize_t unseal(self, uint8_t* target, size_t size) except -3:
        cdef int count
        if self.error is not None:
            return FAILED
        count = tl_tls_read(self.ssl, &self.pipe, target, size)
        if count == TL_TLS_FAILED:
            self.error = last_error()
            return FAILED
        return count

    cdef ssize_t seal(self, const uint8_t* data, size_t size) except -3:
        cdef int count = tl_tls_write(self.ssl, &self.pipe, data, size)
        if count <= 0:
            self.error = last_error()
            return FAILED
        return count

    cdef int say_end(self) except -1:
        tl_tls_shutdown(self.ssl, &self.pipe)
        return 0


cdef class MemoryLayer(TlsLayer):
    cdef bint has_records(self) except -1:
        return self.incoming.pending > 0 or self.ssl_object.pending() > 0

    cdef int feed(self, const uint8_t* data, size_t size) except -1:
        self.incoming.write(PyMemoryView_FromMemory(<char*>data, size, PyBUF_READ))
        return 0

    cdef ssize_t unseal(self, uint8_t* target, size_t size) except -3:
        view = PyMemoryView_FromMemory(<char*>target, size, PyBUF_WRITE)
        if self.error is not None:
            return FAILED
        try:
            return self.ssl_object.read(size, view)
        except ssl.SSLWantReadError:
            return LATER
        except ssl.SSLZeroReturnError:
            return ENDED
        except ssl.SSLError as error:
            self.error = error.with_traceback(None)
            return FAILED
        finally:
            # A traceback would keep it, and it names memory that is not its own.
            view.release()
            self.collect()

    cdef ssize_t seal(self, const uint8_t* data, size_t size) except -3:
        view = PyMemoryView_FromMemory(<char*>data, size, PyBUF_READ)
        try:
            return self.ssl_object.write(view)
        except ssl.SSLError as error:
            self.error = error.with_traceback(None)
            return FAILED
        finally:
            view.release()
            self.collect()

    cdef int say_end(self) except -1:
        try:
            self.ssl_object.unwrap()
        except ssl.SSLError:
            pass  # the peer has not said so yet, and nobody waits for it
        return self.collect()

    cdef int collect(self) except -1:
        """Take what the SSLObject has written."""
        cdef:
            bytes data
            size_t size
            uint8_t* room
        if not self.outgoing.pending:
            return 0
        data = self.outgoing.read()
        size = PyBytes_GET_SIZE(data)
        room = tl_backlog_reserve(&self.sealed, size)
        if room == NULL:
            raise MemoryError
        memcpy(room, PyBytes_AS_STRING(data), size)
        self.sealed.size += size
        return 0


def secure(Stream stream not None, context, ssl_object, incoming, outgoing):
    cdef TlsLayer layer
    cdef void* connection = NULL
    stream.write(outgoing.read())
    stream.flush()
    if stream.fd < 0:
        return
    if is_borrowing and stream.layer is None:
        connection = find_connection(ssl_object)
    if connection == NULL:
        layer = make_memory_layer(ssl_object, incoming, outgoing)
    else:
        layer = make_borrowed_layer(stream.poller, connection, ssl_object, incoming)
    layer.poller, layer.fd = stream.poller, stream.fd
    layer.context, layer.ssl_object = context, ssl_object
    layer.below = stream.layer
    # The rest of the handshake is not to be encrypted, and goes first.
    layer.sealed, stream.backlog = stream.backlog, NULL
    stream.written = 0
    stream.layer = layer
    stream.resume_reading()
    stream.update_interest()
    if layer.holds():
        stream.poller.settle_soon(stream)


cdef MemoryLayer make_memory_layer(ssl_object, incoming, outgoing):
    cdef MemoryLayer layer = MemoryLayer.__new__(MemoryLayer)
    layer.incoming, layer.outgoing = incoming, outgoing
    return layer


cdef BorrowedLayer make_borrowed_layer(Poller poller, void* connection, ssl_object, incoming):
    cdef:
        BorrowedLayer layer = BorrowedLayer.__new__(BorrowedLayer)
        bytes arrived = incoming.read()
    tl_tls_attach(connection, bio_of(poller))
    layer.ssl = connection
    layer.owner = ssl_object._sslobj
    layer.pipe.out = &layer.sealed
    layer.feed(<const uint8_t*>PyBytes_AS_STRING(arrived), PyBytes_GET_SIZE(arrived))
    layer.put_by()
    return layer


def fail(Stream stream not None, error):
    if stream.fd >= 0:
        stream.flush()
        stream.lose(error)


def is_borrowed(Stream stream not None):
    return None if stream.layer is None else isinstance(stream.layer, BorrowedLayer)


def truncation():
    """Make the error for a stream that ends in the middle: somebody may have cut it."""
    return ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the peer ended TLS without close_notify")


def last_error():
    """Make an error of what OpenSSL says."""
    cdef const char* reason = tl_tls_reason()
    text = "unknown error" if reason == NULL else reason.decode()
    name = text.upper().replace(" ", "_")
    error = ssl.SSLError(ssl.SSL_ERROR_SSL, f"[SSL: {name}] {text}")
    error.library, error.reason = "SSL", name
    return error


# Borrowing


cdef void* find_connection(ssl_object) except? NULL:
    """Give the SSL* of an SSLObject, or NULL where it does not look as it should."""
    cdef void* connection
    owner = ssl_object._sslobj
    if type(owner) is not _ssl._SSLSocket:
        return NULL
    connection = (<tl_ssl_socket*>owner).ssl
    return connection if connection != NULL and tl_tls_owner(connection) == <void*>owner else NULL


cdef object why_not_borrowed():
    """Say why the SSL* of an SSLObject cannot be used, or None where it can."""
    cdef const char* version
    if sys.implementation.name != "cpython" or sys.version_info[:2] not in KNOWN_LAYOUTS:
        return "the layout of ssl objects is not known for this Python"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "this Python has no GIL, which guards the objects of OpenSSL"
    path = getattr(_ssl, "__file__", None)
    encoded = None if path is None else os.fsencode(path)
    version = tl_tls_load(NULL if encoded is None else <const char*>encoded)
    if version == NULL:
        return "the OpenSSL of the ssl module was not found"
    if version.decode() != ssl.OPENSSL_VERSION or not ssl.OPENSSL_VERSION.startswith("OpenSSL "):
        return f"the ssl module uses {ssl.OPENSSL_VERSION}, and {version.decode()} was found"
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(
        ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True
    )
    if find_connection(trial) == NULL:
        return "ssl objects do not look as they should"
    return None


WHY_NOT_BORROWED = why_not_borrowed()
is_borrowing = WHY_NOT_BORROWED is None
