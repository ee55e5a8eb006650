#include "opening.h"

#include "failure.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define KEY_HEADER "\r\nSec-WebSocket-Key: "
#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

enum { KEY_CHARACTERS = 24, SHA1_BYTES = 20, ACCEPT_CHARACTERS = 28 };

enum Part opening_part(const char *request)
{
    if (strncmp(request, "GET /pub ", strlen("GET /pub ")) == 0)
        return PUBLISHER;
    return strncmp(request, "GET /sub ", strlen("GET /sub ")) == 0 ? SUBSCRIBER : ECHO;
}

static void hash(const char key[KEY_CHARACTERS], uint8_t digest[SHA1_BYTES])
{
    static EVP_MD_CTX *context;
    static EVP_MD *sha1;
    if (context == NULL) {
        context = EVP_MD_CTX_new();
        sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    }
    if (EVP_DigestInit_ex2(context, sha1, NULL) != 1 ||
        EVP_DigestUpdate(context, key, KEY_CHARACTERS) != 1 ||
        EVP_DigestUpdate(context, ACCEPT_GUID, strlen(ACCEPT_GUID)) != 1 ||
        EVP_DigestFinal_ex(context, digest, NULL) != 1) {
        fail("OpenSSL has no SHA-1");
    }
}

size_t opening_answer(const char *request, char answer[OPENING_ANSWER_MAX_BYTES])
{
    const char *key = strcasestr(request, KEY_HEADER);
    if (key == NULL || strlen(key) < strlen(KEY_HEADER) + KEY_CHARACTERS)
        return 0;
    uint8_t digest[SHA1_BYTES];
    char accept[ACCEPT_CHARACTERS + 1];
    hash(key + strlen(KEY_HEADER), digest);
    EVP_EncodeBlock((uint8_t *)accept, digest, SHA1_BYTES);
    return (size_t)snprintf(answer, OPENING_ANSWER_MAX_BYTES,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                            accept);
}
