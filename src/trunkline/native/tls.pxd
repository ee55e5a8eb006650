from libc.stdint cimport uint8_t

from trunkline.native.backlog cimport tl_backlog
from trunkline.native.layer cimport Layer
from trunkline.native.openssl cimport tl_pipe
from trunkline.native.poller cimport Poller


cdef class TlsLayer(Layer):
    """TLS after its handshake; the two kinds differ in who calls OpenSSL."""
    cdef Poller poller
    cdef int fd  # the stream's
    cdef Layer below  # TLS inside of TLS; None over a socket
    cdef object context  # ssl.SSLContext
    cdef object ssl_object  # ssl.SSLObject
    cdef tl_backlog* sealed  # owned; records that have not left, or NULL
    cdef bint is_over  # the end, or the failure, was seen and not told
    cdef bint has_said_end

    cdef ssize_t fetch(self) except -3
    cdef ssize_t fetch_below(self) except -3
    cdef int give_back(self) noexcept
    cdef ssize_t unseal_all(self, uint8_t* target, size_t size) except -3

    # Of the two kinds
    cdef bint has_records(self) except -1
    cdef int feed(self, const uint8_t* data, size_t size) except -1
    cdef int put_by(self) except -1
    cdef ssize_t unseal(self, uint8_t* target, size_t size) except -3
    cdef ssize_t seal(self, const uint8_t* data, size_t size) except -3
    cdef int say_end(self) except -1


cdef class Pipes:
    """Between OpenSSL and the pipes of the connections of one poller."""
    cdef void* bio  # owned


cdef class BorrowedLayer(TlsLayer):
    """Calls OpenSSL with the connection of the SSLObject."""
    cdef object owner  # _ssl._SSLSocket: keeps `ssl` alive
    cdef void* ssl  # borrowed of `owner`
    cdef tl_pipe pipe
    cdef tl_backlog* held  # owned; what arrived and was not read when the room was used up


cdef class MemoryLayer(TlsLayer):
    """Calls the SSLObject."""
    cdef object incoming, outgoing  # ssl.MemoryBIO

    cdef int collect(self) except -1
