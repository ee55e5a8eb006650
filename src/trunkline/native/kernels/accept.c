#include "accept.h"

#include <stddef.h>
#include <string.h>

/* RFC 6455 §1.3 */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define GUID_CHARACTERS 36

/* RFC 4648 §4 */
static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { BLOCK_BYTES = 64, DIGEST_BYTES = 20, MESSAGE_BYTES = TL_KEY_CHARACTERS + GUID_CHARACTERS };

static uint32_t rotate(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t load(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store(uint8_t *bytes, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* The function and the constant of one round (FIPS 180-4 §4.1.1, §4.2.1). */
static uint32_t mix(int round, uint32_t b, uint32_t c, uint32_t d)
{
    if (round < 20)
        return ((b & c) | (~b & d)) + 0x5A827999;
    if (round < 40)
        return (b ^ c ^ d) + 0x6ED9EBA1;
    if (round < 60)
        return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC;
    return (b ^ c ^ d) + 0xCA62C1D6;
}

/* FIPS 180-4 §6.1.2 */
static void hash_block(uint32_t state[5], const uint8_t block[BLOCK_BYTES])
{
    uint32_t words[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

    for (int i = 0; i < 16; i++)
        words[i] = load(block + 4 * i);
    for (int i = 16; i < 80; i++)
        words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + words[i];

        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

/* SHA-1 of key and GUID, which with their padding are two blocks. */
static void hash(uint8_t digest[DIGEST_BYTES], const uint8_t key[TL_KEY_CHARACTERS])
{
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t message[2 * BLOCK_BYTES] = {0};

    memcpy(message, key, TL_KEY_CHARACTERS);
    memcpy(message + TL_KEY_CHARACTERS, GUID, GUID_CHARACTERS);
    message[MESSAGE_BYTES] = 0x80;
    store(message + 2 * BLOCK_BYTES - 4, 8 * MESSAGE_BYTES);
    hash_block(state, message);
    hash_block(state, message + BLOCK_BYTES);
    for (int i = 0; i < 5; i++)
        store(digest + 4 * i, state[i]);
}

void tl_accept_key(uint8_t accept[TL_ACCEPT_CHARACTERS], const uint8_t key[TL_KEY_CHARACTERS])
{
    uint8_t digest[DIGEST_BYTES + 1] = {0}; /* in whole groups of three */

    hash(digest, key);
    for (int group = 0; group < TL_ACCEPT_CHARACTERS / 4; group++) {
        const uint8_t *bytes = digest + 3 * group;
        uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];

        for (int i = 0; i < 4; i++)
            accept[4 * group + i] = (uint8_t)ALPHABET[bits >> (18 - 6 * i) & 63];
    }
    accept[TL_ACCEPT_CHARACTERS - 1] = '=';
}

/* What a character of base64 stands for, or -1. */
static int decode(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int tl_read_key(uint8_t nonce[TL_NONCE_BYTES], const uint8_t key[TL_KEY_CHARACTERS])
{
    uint32_t bits = 0;
    int count = 0, at = 0;

    for (int i = 0; i < TL_KEY_CHARACTERS - 2; i++) {
        int six = decode(key[i]);

        if (six < 0)
            return 0;
        bits = bits << 6 | (uint32_t)six;
        count += 6;
        if (count >= 8) {
            count -= 8;
            nonce[at++] = (uint8_t)(bits >> count);
        }
    }
    /* Bits that stand for nothing: another key would give the same nonce. */
    return !(bits & 15) && key[TL_KEY_CHARACTERS - 2] == '=' && key[TL_KEY_CHARACTERS - 1] == '=';
}
