/* A libnvidia-ml.so.1 whose devices are described by the text file $NVML_STAND_IN, read anew at every call.

   Lines: "devices N", "used BYTES", "power MILLIWATTS", "sm_clock MHZ", "memory_clock MHZ", "temperature CELSIUS",
   "reasons BITS", "busy PERCENT", "partitions N" (of each device), "process PID BYTES" (any number). What has no line is not supported by the device. The
   energy counter is power times the time since boot, so that its rise over any span is known.
   "living PID BYTES" (any number) is a process that holds BYTES beside "used" for as long as it lives; it is listed like
   the others, unless there is a line "unlisted 1". */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SUCCESS 0
#define INVALID_ARGUMENT 2
#define NOT_SUPPORTED 3
#define NOT_FOUND 6
#define INSUFFICIENT_SIZE 7
#define TOTAL_BYTES (80ULL << 30)

typedef long device;
struct utilization { unsigned int gpu, memory; };
struct memory { unsigned long long total, free, used; };
struct process { unsigned int pid; unsigned long long used; unsigned int gpu_instance, compute_instance; };

static int figure(const char *key, unsigned long long *value)
{
    char line[256], name[64];
    unsigned long long number;
    int status = NOT_SUPPORTED;
    FILE *file = fopen(getenv("NVML_STAND_IN"), "r");
    if (!file) return NOT_SUPPORTED;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%63s %llu", name, &number) == 2 && !strcmp(name, key)) { *value = number; status = SUCCESS; }
    fclose(file);
    return status;
}

static int told_int(const char *key, unsigned int *value)
{
    unsigned long long number;
    int status = figure(key, &number);
    if (status == SUCCESS) *value = (unsigned int)number;
    return status;
}

static int lives(unsigned int pid)
{
    char path[64], state = 'Z';
    FILE *file;
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    if (!(file = fopen(path, "r"))) return 0;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'Z';
    fclose(file);
    return state != 'Z';
}

static unsigned long long held_by_the_living(void)
{
    char line[256];
    unsigned int pid;
    unsigned long long bytes, all = 0;
    FILE *file = fopen(getenv("NVML_STAND_IN"), "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "living %u %llu", &pid, &bytes) == 2 && lives(pid)) all += bytes;
    fclose(file);
    return all;
}

static unsigned long long devices(void) { unsigned long long n = 1; figure("devices", &n); return n; }

int nvmlInitWithFlags(unsigned int flags) { (void)flags; return SUCCESS; }
int nvmlInit_v2(void) { return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int status) { (void)status; return "an error of the stand-in"; }
int nvmlSystemGetDriverVersion(char *text, unsigned int n) { snprintf(text, n, "999.99"); return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned int *n) { *n = (unsigned int)devices(); return SUCCESS; }

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, device *handle)
{
    if (index >= devices()) return INVALID_ARGUMENT;
    *handle = index + 1;
    return SUCCESS;
}

/* A partition's handle is 1000 times its GPU's and its own number, counted from 1. */
static unsigned long long partitions(void) { unsigned long long n = 0; figure("partitions", &n); return n; }

int nvmlDeviceGetMaxMigDeviceCount(device handle, unsigned int *n) { (void)handle; *n = (unsigned int)partitions(); return SUCCESS; }

int nvmlDeviceGetMigDeviceHandleByIndex(device handle, unsigned int index, device *part)
{
    if (index >= partitions()) return NOT_FOUND;
    *part = 1000 * handle + index + 1;
    return SUCCESS;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, device *handle)
{
    unsigned int index, part;
    if (sscanf(uuid, "MIG-stand-in-%u-%u", &index, &part) == 2 && index < devices() && part < partitions()) {
        *handle = 1000 * (index + 1) + part + 1;
        return SUCCESS;
    }
    if (sscanf(uuid, "GPU-stand-in-%u", &index) != 1 || index >= devices()) return NOT_FOUND;
    *handle = index + 1;
    return SUCCESS;
}

int nvmlDeviceGetName(device handle, char *text, unsigned int n) { snprintf(text, n, "Stand-in %ld", handle - 1); return SUCCESS; }
int nvmlDeviceGetUUID(device handle, char *text, unsigned int n)
{
    if (handle >= 1000) snprintf(text, n, "MIG-stand-in-%ld-%ld", handle / 1000 - 1, handle % 1000 - 1);
    else snprintf(text, n, "GPU-stand-in-%ld", handle - 1);
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(device handle, struct memory *memory)
{
    (void)handle;
    memory->total = TOTAL_BYTES;
    memory->used = 0;
    figure("used", &memory->used);
    memory->used += held_by_the_living();
    memory->free = TOTAL_BYTES - memory->used;
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(device handle, struct utilization *rates)
{
    (void)handle;
    rates->memory = 0;
    return told_int("busy", &rates->gpu);
}

int nvmlDeviceGetPowerUsage(device handle, unsigned int *milliwatts) { (void)handle; return told_int("power", milliwatts); }

int nvmlDeviceGetTotalEnergyConsumption(device handle, unsigned long long *millijoules)
{
    struct timespec now;
    unsigned long long milliwatts, broken;
    (void)handle;
    if (figure("no_counter", &broken) == SUCCESS || figure("power", &milliwatts) != SUCCESS) return NOT_SUPPORTED;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *millijoules = (unsigned long long)((now.tv_sec + now.tv_nsec / 1e9) * milliwatts);
    return SUCCESS;
}

int nvmlDeviceGetClockInfo(device handle, unsigned int kind, unsigned int *mhz)
{
    (void)handle;
    return told_int(kind == 1 ? "sm_clock" : "memory_clock", mhz);
}

int nvmlDeviceGetTemperature(device handle, unsigned int sensor, unsigned int *celsius)
{
    (void)handle; (void)sensor;
    return told_int("temperature", celsius);
}

int nvmlDeviceGetCurrentClocksEventReasons(device handle, unsigned long long *bits) { (void)handle; return figure("reasons", bits); }

int nvmlDeviceGetComputeRunningProcesses_v3(device handle, unsigned int *count, struct process *processes)
{
    char line[256];
    unsigned int pid, found = 0, room = *count;
    unsigned long long bytes, unlisted = 0;
    FILE *file = fopen(getenv("NVML_STAND_IN"), "r");
    (void)handle;
    if (!file) return NOT_SUPPORTED;
    figure("unlisted", &unlisted);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "process %u %llu", &pid, &bytes) == 2
            || (!unlisted && sscanf(line, "living %u %llu", &pid, &bytes) == 2 && lives(pid))) {
            if (processes && found < room) processes[found] = (struct process){pid, bytes, 0, 0};
            found++;
        }
    fclose(file);
    *count = found;
    return found && (!processes || found > room) ? INSUFFICIENT_SIZE : SUCCESS;
}
