/* Computes a layer on two threads, and once more on one: the results are the same in every bit. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "voxelsmith_layers.h"

/* Memory whose size is known when the program is compiled: nothing is allocated. A workspace may have no bytes, an array may not. */
static float input[up_INPUT_ELEMENTS], output[up_OUTPUT_ELEMENTS], again[up_OUTPUT_ELEMENTS];
static float weights[up_WEIGHT_ELEMENTS], bias[8];
static _Alignas(64) unsigned char packed[up_PACKED_BYTES], workspaces[2][up_WORKSPACE_BYTES + 64 - up_WORKSPACE_BYTES % 64];

typedef struct {
    int number;
    int status;
} share;

/* A half of the work items. */
static void *compute(void *argument) {
    share *const mine = argument;
    const int64_t items = up_work_items(1);
    mine->status = up_run(input, packed, bias, output, workspaces[mine->number], 1, items * mine->number / 2, items * (mine->number + 1) / 2);
    return NULL;
}

int main(void) {
    for (int64_t i = 0; i < up_INPUT_ELEMENTS; ++i) input[i] = (float)(i % 7) - 3;
    for (int64_t i = 0; i < up_WEIGHT_ELEMENTS; ++i) weights[i] = (float)(i % 5) / 4 - 0.5f;
    for (int i = 0; i < 8; ++i) bias[i] = (float)i;
    if (up_pack(weights, packed) != VOXELSMITH_OK) return 1;

    pthread_t threads[2];
    share shares[2] = {{0, 0}, {1, 0}};
    for (int i = 0; i < 2; ++i)
        if (pthread_create(&threads[i], NULL, compute, &shares[i]) != 0) return 1;
    for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
    if (shares[0].status != VOXELSMITH_OK || shares[1].status != VOXELSMITH_OK) return 1;

    if (up_run_all(input, packed, bias, again, workspaces[0], 1) != VOXELSMITH_OK) return 1;
    if (memcmp(output, again, sizeof output) != 0) {
        puts("two threads and one give different results");
        return 1;
    }
    double sum = 0;
    for (int64_t i = 0; i < up_OUTPUT_ELEMENTS; ++i) sum += output[i];
    printf("two threads and one give the same %lld results; their mean is %g\n", (long long)up_OUTPUT_ELEMENTS, sum / (double)up_OUTPUT_ELEMENTS);
    return 0;
}
