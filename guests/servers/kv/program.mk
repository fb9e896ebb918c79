# One server; where the manifest has "storage", it keeps a log there.
SERVERS += kv kv-persist
SOURCES_kv := $(wildcard servers/kv/*.c)
IMAGE_SOURCES_kv := servers/manifests/net.c
NATIVE_SOURCES_kv := servers/manifests/none.c
SOURCES_kv-persist := $(SOURCES_kv)
IMAGE_SOURCES_kv-persist := servers/manifests/net_storage.c
NATIVE_SOURCES_kv-persist := servers/manifests/storage.c
