#include "bindings/native/native.h"

#define DEFAULT_MEMORY_MIB 512
#define MAX_MEMORY_MIB (1u << 20)
#define MIN_BLOCK_BYTES 512

// The rest of `word` after `prefix`, or NULL.
static const char *after(const char *word, const char *prefix) {
    size_t size = strlen(prefix);
    return strncmp(word, prefix, size) == 0 ? word + size : NULL;
}

static uint64_t read_number(const char *text, const char *option) {
    uint64_t number;
    if (!word_to_u64((struct word){text, strlen(text)}, &number))
        fail("%s: '%s' is not a number", option, text);
    return number;
}

// The device of "NAME=VALUE", and the value.
static struct manifest_entry *find_device(const char *text, uint32_t type, const char *option, const char **value) {
    const char *equals = text;
    while (*equals != '=' && *equals != '\0')
        equals++;
    if (*equals == '\0')
        fail("%s needs NAME=VALUE, not '%s'", option, text);
    *value = equals + 1;
    struct word name = {text, (size_t)(equals - text)};
    struct manifest *manifest = native_manifest();
    for (uint32_t i = 0; i < manifest->entries; i++)
        if (manifest->entry[i].type == type && word_is(name, manifest->entry[i].name))
            return &manifest->entry[i];
    fail("%s: this program has no device '%.*s' of that kind", option, (int)name.size, name.at);
}

static void read_mac(struct manifest_entry *device, const char *text) {
    uint8_t *mac = device->u.net.mac;
    for (int i = 0; i < 6; i++) {
        char digits[] = {'0', 'x', text[0], text[0] ? text[1] : '\0'};
        uint64_t byte;
        bool ends = text[0] != '\0' && text[1] != '\0' && text[2] == (i < 5 ? ':' : '\0');
        if (!ends || !word_to_u64((struct word){digits, sizeof digits}, &byte))
            fail("--net-mac needs six bytes in hexadecimal, joined by colons");
        mac[i] = (uint8_t)byte;
        text += 3;
    }
}

static void read_block_size(struct manifest_entry *device, const char *text) {
    uint64_t size = read_number(text, "--block-sector-size");
    if (size < MIN_BLOCK_BYTES || size > UINT16_MAX || (size & (size - 1)) != 0)
        fail("--block-sector-size needs a power of two from %d to 32768", MIN_BLOCK_BYTES);
    device->u.block.block_bytes = (uint16_t)size;
}

static bool read_device_option(const char *word) {
    const char *text, *value;
    struct manifest_entry *device;
    if ((text = after(word, "--net:")) != NULL) {
        device = find_device(text, DEVICE_NET, "--net", &value);
        open_tap(device, value);
    } else if ((text = after(word, "--net-mac:")) != NULL) {
        device = find_device(text, DEVICE_NET, "--net-mac", &value);
        read_mac(device, value);
    } else if ((text = after(word, "--block:")) != NULL) {
        device = find_device(text, DEVICE_BLOCK, "--block", &value);
        open_file(device, value);
    } else if ((text = after(word, "--block-sector-size:")) != NULL) {
        device = find_device(text, DEVICE_BLOCK, "--block-sector-size", &value);
        read_block_size(device, value);
    } else {
        return false;
    }
    return true;
}

char **read_options(char **words, uint64_t *memory_bytes) {
    uint64_t mib = DEFAULT_MEMORY_MIB;
    for (; *words != NULL; words++) {
        const char *text = after(*words, "--mem=");
        if (text != NULL)
            mib = read_number(text, "--mem");
        else if (strcmp(*words, "--") == 0) {
            words++;
            break;
        } else if (!read_device_option(*words))
            break;
    }
    if (mib == 0 || mib > MAX_MEMORY_MIB)
        fail("--mem needs 1 to %u MiB", MAX_MEMORY_MIB);
    *memory_bytes = mib << 20;
    return words;
}
