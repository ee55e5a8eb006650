# One send(2) for each of many descriptors.
from trunkline.native.stream cimport Stream


cdef struct Sending:
    int fd  # borrowed: its stream, on this thread, is the only one to close it
    int error  # errno of what the stream will be lost with, or 0
    size_t sent  # bytes that the kernel took


# Whether the stream's next byte would go straight to its socket.
cdef bint is_direct(Stream stream) noexcept
cdef int send_all(Sending* sendings, int count, bytes data) except -1
cdef int send_each(Sending* sendings, int count, const void* data, size_t size) noexcept nogil
cdef int guard(Stream stream, Sending* sending, bytes data) except -1
cdef int take_note(Stream stream, Sending* sending, bytes data) except -1
