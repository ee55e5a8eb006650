# The kernel that calls the OpenSSL of Python's ssl module.
from libc.stdint cimport uint8_t

from trunkline.native.backlog cimport tl_backlog


cdef extern from "openssl.h" nogil:
    ctypedef struct tl_pipe:
        const uint8_t* in_ "in"
        size_t in_size
        tl_backlog** out
    int TL_TLS_ENDED, TL_TLS_LATER, TL_TLS_FAILED
    const char* tl_tls_load(const char* path) noexcept
    void* tl_tls_owner(void* ssl) noexcept
    void* tl_tls_new_bio() noexcept
    void tl_tls_free_bio(void* bio) noexcept
    void tl_tls_attach(void* ssl, void* bio) noexcept
    int tl_tls_pending(void* ssl) noexcept
    const char* tl_tls_reason() noexcept


# An SSL object may call back into Python, such as for its key log: never without the GIL.
cdef extern from "openssl.h":
    int tl_tls_read(void* ssl, tl_pipe* pipe, uint8_t* target, size_t size) noexcept
    int tl_tls_write(void* ssl, tl_pipe* pipe, const uint8_t* source, size_t size) noexcept
    void tl_tls_shutdown(void* ssl, tl_pipe* pipe) noexcept
