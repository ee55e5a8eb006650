# What the endpoint knows of a connection's compression.
from libc.stdint cimport uint8_t

from trunkline.native.messages cimport Inflater


cdef extern from "zlib.h" nogil:
    ctypedef struct z_stream:
        const uint8_t* next_in
        unsigned int avail_in
        uint8_t* next_out
        unsigned int avail_out
        int data_type


cdef class PerMessageDeflate(Inflater):
    # What was agreed on
    cdef readonly uint8_t window_bits   # of what is sent; never less than zlib's smallest
    cdef uint8_t keep_compressor        # messages that are sent may refer to earlier ones
    cdef uint8_t keep_inflater          # messages that are received may do so

    # Streams, owned: NULL between messages, unless they are to be kept
    cdef z_stream* compressor
    cdef z_stream* inflater

    # The message that is being received
    cdef uint8_t is_broken              # an error was met behind what was given
    cdef uint8_t has_ended              # its last block has come
    cdef uint8_t is_padded              # and the byte of padding behind it

    # Compress a fragment; `fin` says that it is the message's last.
    cdef bytes compress_part(self, const uint8_t* data, size_t size, bint fin)

    # Inside
    cdef void give_back_compressor(self) noexcept
    cdef void give_back_inflater(self) noexcept
    cdef int check_after_last_block(self, const uint8_t** source, size_t* size) except -1


cpdef bytes compress_once(data, int window_bits)
