#include "openssl.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>

/* Of openssl/ssl.h and openssl/bio.h, the same since OpenSSL 1.1.0. */
enum {
    SSL_ERROR_WANT_READ = 2,
    SSL_ERROR_WANT_WRITE = 3,
    SSL_ERROR_ZERO_RETURN = 6,
    BIO_TYPE_SOURCE_SINK = 0x0400,
    BIO_FLAGS_READ = 0x01,
    BIO_FLAGS_SHOULD_RETRY = 0x08,
    BIO_FLAGS_RETRY = 0x0f,
    BIO_CTRL_EOF = 2,
    BIO_CTRL_PENDING = 10,
    BIO_CTRL_FLUSH = 11,
};

typedef struct bio_st BIO;
typedef struct bio_method_st BIO_METHOD;

static struct {
    void *(*SSL_get_ex_data)(const void *ssl, int index);
    void (*SSL_set_bio)(void *ssl, BIO *in, BIO *out);
    int (*SSL_read)(void *ssl, void *target, int size);
    int (*SSL_write)(void *ssl, const void *source, int size);
    int (*SSL_shutdown)(void *ssl);
    int (*SSL_pending)(const void *ssl);
    int (*SSL_get_error)(const void *ssl, int result);
    BIO *(*BIO_new)(const BIO_METHOD *method);
    int (*BIO_up_ref)(BIO *bio);
    int (*BIO_free)(BIO *bio);
    void (*BIO_set_init)(BIO *bio, int init);
    void (*BIO_set_flags)(BIO *bio, int flags);
    void (*BIO_clear_flags)(BIO *bio, int flags);
    BIO_METHOD *(*BIO_meth_new)(int type, const char *name);
    int (*BIO_meth_set_read)(BIO_METHOD *method, int (*read)(BIO *, char *, int));
    int (*BIO_meth_set_write)(BIO_METHOD *method, int (*write)(BIO *, const char *, int));
    int (*BIO_meth_set_ctrl)(BIO_METHOD *method, long (*ctrl)(BIO *, int, long, void *));
    int (*BIO_meth_set_create)(BIO_METHOD *method, int (*create)(BIO *));
    unsigned long (*ERR_peek_last_error)(void);
    const char *(*ERR_reason_error_string)(unsigned long code);
    void (*ERR_clear_error)(void);
    const char *(*OpenSSL_version)(int what);
} lib;

static const struct {
    const char *name;
    size_t place; /* in `lib` */
} functions[] = {
#define FUNCTION(name) {#name, offsetof(__typeof__(lib), name)}
    FUNCTION(SSL_get_ex_data),
    FUNCTION(SSL_set_bio),
    FUNCTION(SSL_read),
    FUNCTION(SSL_write),
    FUNCTION(SSL_shutdown),
    FUNCTION(SSL_pending),
    FUNCTION(SSL_get_error),
    FUNCTION(BIO_new),
    FUNCTION(BIO_up_ref),
    FUNCTION(BIO_free),
    FUNCTION(BIO_set_init),
    FUNCTION(BIO_set_flags),
    FUNCTION(BIO_clear_flags),
    FUNCTION(BIO_meth_new),
    FUNCTION(BIO_meth_set_read),
    FUNCTION(BIO_meth_set_write),
    FUNCTION(BIO_meth_set_ctrl),
    FUNCTION(BIO_meth_set_create),
    FUNCTION(ERR_peek_last_error),
    FUNCTION(ERR_reason_error_string),
    FUNCTION(ERR_clear_error),
    FUNCTION(OpenSSL_version),
#undef FUNCTION
};

/* Owned, once loaded, for as long as the process lives: connections may outlive this module. */
static BIO_METHOD *pipe_method;

/* Of the call under way in this thread. A user may call an SSLObject of ours: then there is none. */
static _Thread_local tl_pipe *current;

/* The pipe, as OpenSSL sees it */

static int pipe_read(BIO *bio, char *target, int size)
{
    size_t count = size < 0 ? 0 : (size_t)size;

    lib.BIO_clear_flags(bio, BIO_FLAGS_RETRY);
    if (current == NULL || current->in_size == 0) {
        lib.BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
        return -1;
    }
    if (count > current->in_size)
        count = current->in_size;
    memcpy(target, current->in, count);
    current->in += count;
    current->in_size -= count;
    return (int)count;
}

static int pipe_write(BIO *bio, const char *source, int size)
{
    uint8_t *room;

    lib.BIO_clear_flags(bio, BIO_FLAGS_RETRY);
    if (current == NULL || size < 0)
        return -1;
    room = tl_backlog_reserve(current->out, (size_t)size);
    if (room == NULL)
        return -1;
    memcpy(room, source, (size_t)size);
    (*current->out)->size += (size_t)size;
    return size;
}

static long pipe_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_PENDING:
        return current == NULL ? 0 : (long)current->in_size;
    default: /* BIO_CTRL_EOF too: the end of the socket is not OpenSSL's business */
        return 0;
    }
}

static int pipe_create(BIO *bio)
{
    lib.BIO_set_init(bio, 1);
    return 1;
}

/* Loading */

static int make_method(void)
{
    if (pipe_method != NULL)
        return 1;
    pipe_method = lib.BIO_meth_new(BIO_TYPE_SOURCE_SINK | 0x7f, "trunkline pipe");
    return pipe_method != NULL && lib.BIO_meth_set_read(pipe_method, pipe_read)
           && lib.BIO_meth_set_write(pipe_method, pipe_write)
           && lib.BIO_meth_set_ctrl(pipe_method, pipe_ctrl)
           && lib.BIO_meth_set_create(pipe_method, pipe_create);
}

const char *tl_tls_load(const char *path)
{
    /* A handle is searched together with what it was linked against, and nothing else. */
    void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD), *found;
    size_t index;

    if (handle == NULL)
        return NULL;
    for (index = 0; index < sizeof functions / sizeof *functions; index++) {
        found = dlsym(handle, functions[index].name);
        if (found == NULL)
            return NULL;
        memcpy((char *)&lib + functions[index].place, &found, sizeof found);
    }
    return make_method() ? lib.OpenSSL_version(0) : NULL;
}

/* Using */

void *tl_tls_owner(void *ssl)
{
    return lib.SSL_get_ex_data(ssl, 0);
}

void *tl_tls_new_bio(void)
{
    return lib.BIO_new(pipe_method);
}

void tl_tls_free_bio(void *bio)
{
    lib.BIO_free(bio);
}

void tl_tls_attach(void *ssl, void *bio)
{
    /* One reference serves both directions. */
    lib.BIO_up_ref(bio);
    lib.SSL_set_bio(ssl, bio, bio);
}

static tl_pipe *begin(tl_pipe *pipe)
{
    tl_pipe *outer = current;

    current = pipe;
    return outer;
}

static int clamp(size_t size)
{
    return size > INT_MAX ? INT_MAX : (int)size;
}

/* SSL_get_error() takes an error of somebody else's for ours. Looking costs a quarter of clearing. */
static void forget_errors(void)
{
    if (lib.ERR_peek_last_error() != 0)
        lib.ERR_clear_error();
}

static int why(void *ssl, int result)
{
    switch (lib.SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TL_TLS_LATER;
    case SSL_ERROR_ZERO_RETURN:
        return TL_TLS_ENDED;
    default:
        return TL_TLS_FAILED;
    }
}

int tl_tls_read(void *ssl, tl_pipe *pipe, uint8_t *target, size_t size)
{
    tl_pipe *outer = begin(pipe);
    int result;

    forget_errors();
    result = lib.SSL_read(ssl, target, clamp(size));
    if (result <= 0)
        result = why(ssl, result);
    current = outer;
    return result;
}

int tl_tls_write(void *ssl, tl_pipe *pipe, const uint8_t *source, size_t size)
{
    tl_pipe *outer = begin(pipe);
    int result = lib.SSL_write(ssl, source, clamp(size));

    current = outer;
    return result > 0 ? result : TL_TLS_FAILED; /* a pipe takes everything, now or never */
}

void tl_tls_shutdown(void *ssl, tl_pipe *pipe)
{
    tl_pipe *outer = begin(pipe);

    lib.SSL_shutdown(ssl);
    lib.ERR_clear_error();
    current = outer;
}

int tl_tls_pending(void *ssl)
{
    return lib.SSL_pending(ssl);
}

const char *tl_tls_reason(void)
{
    unsigned long code = lib.ERR_peek_last_error();
    const char *reason = code == 0 ? NULL : lib.ERR_reason_error_string(code);

    lib.ERR_clear_error();
    return reason;
}
