// The public surface of core/audit, by name.

export { type AddCheckpoint, formatAddCheckpoint, parseAddCheckpoint, parseToldSize } from './add-checkpoint.ts';
export {
  cosign,
  type OpenedCheckpoint,
  onlySignaturesOf,
  openCheckpoint,
  type SecondSignature,
  signCheckpoint,
  withSignatures,
} from './checkpoint.ts';
export { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint-text.ts';
export type { Cosigner } from './cosign.ts';
export { perfectRoot, type TileContent, type TreeEdge, treeEdge } from './edge.ts';
export { type Finding, ofLog } from './finding.ts';
export {
  encodeFrame,
  type Frame,
  type FrameRead,
  findFrame,
  frameBytesMax,
  frameHeaderBytes,
  readFrame,
} from './frame.ts';
export {
  type ConsistencyClaim,
  emptyFrontier,
  extend,
  type Frontier,
  type HashReader,
  type InclusionClaim,
  leafHash,
  nodeHash,
  proveConsistency,
  proveInclusion,
  type TreeNode,
  treeRoot,
  treeRootAt,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
export {
  type Checked,
  checkSignatureLines,
  formatVkey,
  type KeyRole,
  type NoteSignature,
  type NoteSigner,
  type OpenedNote,
  openNote,
  parseVkey,
  type SignatureLine,
  type VerifierKey,
} from './note.ts';
export { formatProofFile, type ProofFile, type ProofQuestion, parseProofFile, verifyProofFile } from './proof-file.ts';
export {
  missingMember,
  type RecordKind,
  type RecordPairing,
  type RecordProblem,
  readRecord,
  recordPairing,
} from './records.ts';
export {
  decodeBundle,
  edgeTiles,
  encodeBundle,
  entryBytesMax,
  hashesAt,
  parseTilePath,
  splitTile,
  type TileId,
  tileOf,
  tilePath,
  tileWidth,
} from './tile.ts';
export {
  type LogEntry,
  type LogQuestion,
  type LogReport,
  type LogVerifier,
  logVerifier,
  type ReplayResult,
  verifyLog,
} from './verify-log.ts';
export type { Cosignature } from './verify-witnesses.ts';
export {
  isQuorum,
  type PolicyGroup,
  type PolicyWitness,
  parseWitnessPolicy,
  type WitnessPolicy,
} from './witness-policy.ts';
