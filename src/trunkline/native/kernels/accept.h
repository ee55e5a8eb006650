/* The answer to a key of an opening request (RFC 6455 §4.2.2). */
#ifndef TRUNKLINE_ACCEPT_H
#define TRUNKLINE_ACCEPT_H

#include <stdint.h>

#define TL_KEY_CHARACTERS 24
#define TL_ACCEPT_CHARACTERS 28
#define TL_NONCE_BYTES 16

/* Write the Sec-WebSocket-Accept for a Sec-WebSocket-Key, both without an end of string. */
void tl_accept_key(uint8_t accept[TL_ACCEPT_CHARACTERS], const uint8_t key[TL_KEY_CHARACTERS]);

/* Read the nonce that a key consists of. 0: it is not what base64 makes of 16 bytes. */
int tl_read_key(uint8_t nonce[TL_NONCE_BYTES], const uint8_t key[TL_KEY_CHARACTERS]);

#endif
