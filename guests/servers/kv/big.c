#include "servers/kv/big.h"

void big_set(struct big *big, uint64_t number) {
    big->limb[0] = (uint32_t)number;
    big->limb[1] = (uint32_t)(number >> 32);
    big->used = big->limb[1] != 0 ? 2 : big->limb[0] != 0;
}

void big_multiply_add(struct big *big, uint32_t factor, uint32_t summand) {
    uint64_t carry = summand;
    for (uint32_t i = 0; i < big->used; i++) {
        carry += (uint64_t)big->limb[i] * factor;
        big->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        big->limb[big->used++] = (uint32_t)carry;
}

void big_multiply_power_of_ten(struct big *big, unsigned power) {
    for (; power >= 9; power -= 9)
        big_multiply_add(big, 1000000000, 0);
    for (; power > 0; power--)
        big_multiply_add(big, 10, 0);
}

void big_shift_up(struct big *big, unsigned bits) {
    unsigned limbs = bits / 32, rest = bits % 32;
    if (big->used == 0)
        return;
    uint32_t top = rest == 0 ? 0 : big->limb[big->used - 1] >> (32 - rest);
    for (uint32_t i = big->used; i-- > 0;) {
        uint32_t below = rest == 0 || i == 0 ? 0 : big->limb[i - 1] >> (32 - rest);
        big->limb[i + limbs] = big->limb[i] << rest | below;
    }
    for (uint32_t i = 0; i < limbs; i++)
        big->limb[i] = 0;
    big->used += limbs;
    if (top != 0)
        big->limb[big->used++] = top;
}

int big_compare(const struct big *a, const struct big *b) {
    if (a->used != b->used)
        return a->used < b->used ? -1 : 1;
    for (uint32_t i = a->used; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

void big_subtract(struct big *from, const struct big *what) {
    int64_t borrow = 0;
    for (uint32_t i = 0; i < from->used; i++) {
        borrow += (int64_t)from->limb[i] - (i < what->used ? what->limb[i] : 0);
        from->limb[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    while (from->used > 0 && from->limb[from->used - 1] == 0)
        from->used--;
}

unsigned big_bits(const struct big *big) {
    return big->used == 0 ? 0 : big->used * 32 - (unsigned)__builtin_clz(big->limb[big->used - 1]);
}
