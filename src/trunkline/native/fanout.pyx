# Twin of engines/fanout.py. Owns nothing between two calls.
# Runs on the loop's thread; above a number of streams without the GIL. No descriptor can be closed
# meanwhile: each belongs to a stream that is held here, and only the loop's thread, which is this
# one, closes the descriptor of a stream that somebody holds.
"""The same bytes on many native streams, with one system call for each and nothing else."""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.errno cimport errno
from libc.stdint cimport uint8_t
from libc.stdlib cimport free, malloc

from trunkline.native.sockets cimport EAGAIN, EINTR, tl_send
from trunkline.native.stream cimport Stream

cdef enum:
    # With a busy thread beside, taking the GIL back costs as much as this many sends; so it is let
    # go of once for all of them, and never for few.
    FEWEST_WITHOUT_GIL = 100


def fan_out(streams, bytes data not None):
    """Send `data` on every stream that waits for no peer; give back those that do.

    A stream that fails is lost, and touches no other. No receiver is called meanwhile.

    Args:
        streams: native ones of one engine.
        data: whole frames.
    """
    cdef:
        tuple held = tuple(streams)
        list direct = [], others = [], left = []
        Stream stream
        Sending* sendings
        int count = 0
    sendings = <Sending*>malloc(max(len(held), 1) * sizeof(Sending))
    if sendings == NULL:
        raise MemoryError
    try:
        try:
            for stream in held:
                if stream.must_wait():
                    left.append(stream)
                elif is_direct(stream):
                    direct.append(stream)
                    # Who is named twice takes the other way the second time.
                    stream.is_corked = True
                    sendings[count].fd = stream.fd
                    count += 1
                else:
                    others.append(stream)
        except MemoryError:
            for stream in direct:
                stream.is_corked = False
            raise
        send_all(sendings, count, data)
        for count, stream in enumerate(direct):
            stream.is_corked = False
            guard(stream, &sendings[count], data)
    finally:
        free(sendings)
    for stream in others:
        guard(stream, NULL, data)
    return left


cdef bint is_direct(Stream stream) noexcept:
    """Whether what is written now goes to the socket, and to nothing in between."""
    return (
        stream.is_taking()
        and stream.backlog == NULL
        and stream.layer is None
        and stream.poller.current is None
        and not stream.is_corked
    )


cdef int send_all(Sending* sendings, int count, bytes data) except -1:
    cdef:
        const void* start = PyBytes_AS_STRING(data)
        size_t size = PyBytes_GET_SIZE(data)
    if count < FEWEST_WITHOUT_GIL:
        send_each(sendings, count, start, size)
    else:
        with nogil:
            send_each(sendings, count, start, size)
    return 0


cdef int send_each(Sending* sendings, int count, const void* data, size_t size) noexcept nogil:
    cdef:
        int index
        ssize_t sent
    for index in range(count):
        sent = tl_send(sendings[index].fd, data, size)
        sendings[index].error = 0
        sendings[index].sent = 0
        if sent >= 0:
            sendings[index].sent = sent
        elif errno != EAGAIN and errno != EINTR:
            sendings[index].error = errno
    return 0


cdef int guard(Stream stream, Sending* sending, bytes data) except -1:
    """Do what is left to do for one stream; where that fails, it is lost as in the poller."""
    try:
        if sending == NULL:
            stream.write(data)
        else:
            take_note(stream, sending, data)
    except Exception as error:
        try:
            stream.fail(error)
        except MemoryError:
            pass  # it is lost all the same, and the others are waited for
    return 0


cdef int take_note(Stream stream, Sending* sending, bytes data) except -1:
    """Keep what has not left, or lose the stream."""
    cdef size_t size = PyBytes_GET_SIZE(data)
    if sending.error:
        return stream.lose(OSError(sending.error, os.strerror(sending.error)))
    stream.written += size
    if sending.sent == size:
        return 0
    stream.append(<const uint8_t*>PyBytes_AS_STRING(data) + sending.sent, size - sending.sent)
    stream.update_interest()
    return stream.watch_water()
