declare const SKIFF_VERSION: string;

/** Skiff's version; the build replaces the constant by package.json's. */
export const VERSION = typeof SKIFF_VERSION === "string" ? SKIFF_VERSION : "development";
