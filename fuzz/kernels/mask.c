/* Every way to mask does what the byte-by-byte way does, at any alignment, in place or not. */
#include <assert.h>

#include "exact.h"
#include "mask.h"

#define KEY 4
#define HEAD (KEY + 2)

static void expect(const uint8_t *masked, const uint8_t *plain, size_t size, const uint8_t *key, size_t offset)
{
    for (size_t i = 0; i < size; i++)
        assert(masked[i] == (plain[i] ^ key[(offset + i) % KEY]));
}

static void try_kernel(tl_mask_kernel *kernel, const uint8_t *plain, size_t size, size_t shift, const uint8_t *key)
{
    uint8_t *memory = malloc(shift + size + 1);
    uint32_t word;

    assert(memory != NULL);
    memcpy(&word, key, KEY);
    memcpy(memory + shift, plain, size);
    kernel(memory + shift, memory + shift, size, word);
    expect(memory + shift, plain, size, key, 0);
    memory = realloc(memory, shift + size ? shift + size : 1);
    assert(memory != NULL);
    kernel(memory + shift, plain, size, word);
    expect(memory + shift, plain, size, key, 0);
    free(memory);
}

static void try_all_kernels(const uint8_t *plain, size_t size, size_t shift, const uint8_t *key)
{
    try_kernel(tl_mask_portable, plain, size, shift, key);
    try_kernel(tl_mask_large, plain, size, shift, key);
#if defined(__x86_64__)
    try_kernel(tl_mask_sse2, plain, size, shift, key);
    if (__builtin_cpu_supports("avx2"))
        try_kernel(tl_mask_avx2, plain, size, shift, key);
    if (__builtin_cpu_supports("avx512f"))
        try_kernel(tl_mask_avx512, plain, size, shift, key);
#elif defined(__aarch64__)
    try_kernel(tl_mask_neon, plain, size, shift, key);
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *key = data + 2;
    uint8_t *plain, *masked;
    size_t offset, shift;

    if (size < HEAD)
        return 0;
    offset = data[0];
    shift = data[1] % 64;
    size -= HEAD;
    plain = exact_copy(data + HEAD, size);
    masked = exact_copy(plain, size);
    tl_mask(masked, plain, size, key, offset);
    expect(masked, plain, size, key, offset);
    tl_mask(masked, masked, size, key, offset);
    assert(memcmp(masked, plain, size) == 0);
    try_all_kernels(plain, size, shift, key);
    free(plain);
    free(masked);
    return 0;
}
