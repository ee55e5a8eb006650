/* The part of OpenSSL that TLS streams need, found at run time in the library that Python's ssl
 * module has loaded. Nothing is linked: two copies of OpenSSL in one process would not know each
 * other's objects. */
#ifndef TRUNKLINE_OPENSSL_H
#define TRUNKLINE_OPENSSL_H

#include <stddef.h>
#include <stdint.h>

#include "backlog.h"

/* What a connection of OpenSSL's (SSL *) reads from and writes to, while we call it. */
typedef struct {
    const uint8_t *in; /* borrowed: what has arrived and was not read */
    size_t in_size;
    tl_backlog **out; /* borrowed: takes what is to leave */
} tl_pipe;

enum {
    TL_TLS_ENDED = 0,   /* the peer has said close_notify */
    TL_TLS_LATER = -1,  /* more must arrive first */
    TL_TLS_FAILED = -2, /* for good; tl_tls_reason() says why */
};

/* Find the functions: in the loaded extension at `path`, or in the program itself where that is
 * NULL. Gives the version of what was found, owned by OpenSSL, or NULL where something is missing. */
const char *tl_tls_load(const char *path);

/* The object that stands in application data of `ssl`. */
void *tl_tls_owner(void *ssl);

/* Make what stands between OpenSSL and pipes: owned, or NULL where memory is short. It keeps nothing
 * from one call to the next but whether to try again, which is asked within the call: all
 * connections of a thread can have the same. */
void *tl_tls_new_bio(void);
void tl_tls_free_bio(void *bio);

/* Make `ssl` read from and write to pipes from now on, through `bio`, of which it keeps a reference. */
void tl_tls_attach(void *ssl, void *bio);

/* Decrypt up to `size` bytes: how many, or one of the above. */
int tl_tls_read(void *ssl, tl_pipe *pipe, uint8_t *target, size_t size);

/* Encrypt up to `size` bytes, at least 1: how many, or TL_TLS_FAILED. */
int tl_tls_write(void *ssl, tl_pipe *pipe, const uint8_t *source, size_t size);

/* Say close_notify. */
void tl_tls_shutdown(void *ssl, tl_pipe *pipe);

/* Decrypted bytes that were not asked for yet. */
int tl_tls_pending(void *ssl);

/* Why the last call failed: owned by OpenSSL, or NULL where it does not say. */
const char *tl_tls_reason(void);

#endif
