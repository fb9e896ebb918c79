export function ringWorker(): Promise<{ readonly SKIFF_RING_WORKER: string }>;
