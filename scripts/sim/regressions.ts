/** A seed that failed once, and what it broke. Each is run by the tests. */
export interface Regression {
  readonly seed: number;
  readonly minutes: number;
  readonly broke: string;
}

/**
 * What a seed does changes with every change of the simulation's own dice; the bugs these found have unit tests of
 * their own beside the code. They stay because a seed that was hard once is likely to be hard again.
 */
export const REGRESSIONS: readonly Regression[] = [
  // An outbox that returned from memory to a full disk dropped batches and told them under numbers of two logs.
  { seed: 104, minutes: 240, broke: "nothing-lost" },
  { seed: 111, minutes: 240, broke: "nothing-lost" },
  // The checker's own: what waited in memory for a disk that stopped taking anything ended with the process, and was still owed.
  { seed: 10190, minutes: 120, broke: "nothing-lost" },
  { seed: 10229, minutes: 120, broke: "nothing-lost" },
  // The checker's own: a power cut made the boot that a reboot was about to make, and its outcome said so.
  { seed: 10287, minutes: 120, broke: "outcomes-are-true" },
  // The checker's own: an agent that died in the very moment it was answered never heard that its record is accepted.
  { seed: 504, minutes: 120, broke: "nothing-lost" },
  // The harness's own: the last network settings had failed before, and the device kept to its pause before it tried them again.
  { seed: 30027, minutes: 120, broke: "desired-converges" },
  // The simulated disk's own: it did not sync at its opening, as the real one does, so that what was read and sent could be gone later.
  { seed: 751, minutes: 120, broke: "stored-once" },
  // The keys of records that were stored and let go were forgotten before the page's host had heard that they are stored.
  { seed: 60061, minutes: 120, broke: "stored-once" },
  // The harness's own: both clouds had given one version number to different documents, and the call home was the second.
  { seed: 70384, minutes: 120, broke: "reconnects" },
];
