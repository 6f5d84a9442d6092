// The public surface of core/audit, by name.

export {
  type Checkpoint,
  formatCheckpoint,
  type OpenedCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from './checkpoint.ts';
export { perfectRoot, type TileContent, type TreeEdge, treeEdge } from './edge.ts';
export {
  type Crc32,
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
  formatVkey,
  type KeyRole,
  type NoteSignature,
  type NoteSigner,
  type OpenedNote,
  openNote,
  parseVkey,
  signNote,
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
  type Cosignature,
  type Finding,
  type LogEntry,
  type LogQuestion,
  type LogReport,
  type LogVerifier,
  logVerifier,
  ofLog,
  type ReplayResult,
  verifyLog,
} from './verify-log.ts';
