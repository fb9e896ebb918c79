# The servers, see Makefile.

SERVERS += services
SOURCES_services := $(wildcard servers/services/*.c)
IMAGE_SOURCES_services := servers/manifests/net.c
NATIVE_SOURCES_services := servers/manifests/none.c

include $(wildcard servers/*/program.mk)
