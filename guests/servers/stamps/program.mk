# Tells when a datagram came and when its answer left.
SERVERS += stamps
SOURCES_stamps := $(wildcard servers/stamps/*.c)
IMAGE_SOURCES_stamps := servers/manifests/net.c
NATIVE_SOURCES_stamps := servers/manifests/none.c
