// Calls through pointers: a program of 4,096 random steps, each by one of sixteen functions.
#include "kernels/kernels.h"

#define STEPS 4096u

typedef uint64_t operation(uint64_t value, uint64_t operand);

#define OPERATION(name, result)                                                                                        \
    static uint64_t name(uint64_t value, uint64_t operand) {                                                           \
        return result;                                                                                                 \
    }

OPERATION(add, value + operand)
OPERATION(subtract, value - operand)
OPERATION(multiply, value * (operand | 1))
OPERATION(exclusive_or, value ^ operand)
OPERATION(or_low, value + (operand | 0xff))
OPERATION(and_add, (value & operand) + value)
OPERATION(rotate, (value >> 13 | value << 51) ^ operand)
OPERATION(rotate_by, value >> (operand & 31) | value << 1)
OPERATION(invert, ~value + operand)
OPERATION(negate, operand - value)
OPERATION(fold, (value ^ value >> 32) * 0x9e3779b97f4a7c15 + operand)
OPERATION(minimum, (value < operand ? value : operand) ^ value << 1)
OPERATION(maximum, (value > operand ? value : operand) + 7)
OPERATION(either, (value & 1) != 0 ? value * 3 + 1 : value + operand)
OPERATION(low_half, (uint32_t)value * (operand & 0xffffffff))
OPERATION(shift_add, (value << 3) + (value >> 5) + operand)

static operation *const operations[16] = {
    add,    subtract, multiply, exclusive_or, or_low,  and_add, rotate,   rotate_by,
    invert, negate,   fold,     minimum,      maximum, either,  low_half, shift_add,
};

static struct step {
    operation *run;
    uint64_t operand;
} steps[STEPS];

static void prepare(void) {
    uint64_t random = 1;
    for (size_t i = 0; i < STEPS; i++) {
        steps[i].run = operations[random_next(&random) >> 60];
        steps[i].operand = random_next(&random);
    }
}

static uint64_t run(uint64_t rounds) {
    uint64_t value = 1;
    for (uint64_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < STEPS; i++)
            value = steps[i].run(value, steps[i].operand);
    return value;
}

const struct kernel indirect = {"indirect", prepare, run};
