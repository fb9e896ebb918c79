SERVERS += dnsd
SOURCES_dnsd := $(wildcard servers/dnsd/*.c)
IMAGE_SOURCES_dnsd := servers/manifests/net_zone.c
NATIVE_SOURCES_dnsd := servers/manifests/zone.c
