/** How the numbers came about, for every form of the report. Plain text. */
export const METHOD: readonly string[] = [
  "One sample is one fresh instance: started, measured, stopped. No sample is an average of runs on the same instance.",
  "Samples are taken in blocks. Each block measures every target once, in a random order from the seed, and native twice.",
  "Each number is divided by native's of the same block, so that what the machine does to a whole block cancels out. The cost is the median of these ratios.",
  "The interval covers the true median in at least 95 of 100 runs, whatever the distribution: its ends are order statistics, their ranks exact for all looks (10, 15, 20 and 30 blocks) together. So it stays valid although a run stops early. It speaks for one comparison; of twenty, one may be wrong.",
  "Native against native shows the machine's noise. A cost or gain is told only where the whole interval lies outside the noise, and outside 2 %; “no measurable cost” only where it lies within, and the noise is at most 5 %. Everything else is inconclusive.",
  "No outlier is removed. A block is set aside for a target only by signals declared before: processor time taken by the hypervisor, throttling, a drop in frequency, a client above 85 % of its processor. Those samples are counted and drawn as crosses.",
  "Servers and clients run on disjoint cores, checked for each sample. What serves a network is compared with native behind a veth, so that the paths are comparable; where they are not, a warning says so.",
];
