// SPDX-License-Identifier: Apache-2.0
// Written by tools/abis.mjs from the contracts' build: do not edit.

export const abiOfVeVCAI = [
  // claim(address)
  {"type":"function","name":"claim","inputs":[{"name":"user","type":"address"}],"outputs":[{"name":"amount","type":"uint256"}],"stateMutability":"nonpayable"},
  // claimable(address)
  {"type":"function","name":"claimable","inputs":[{"name":"user","type":"address"}],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // currentWeek()
  {"type":"function","name":"currentWeek","inputs":[],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // lock(uint256,uint256)
  {"type":"function","name":"lock","inputs":[{"name":"addAmount","type":"uint256"},{"name":"endWeek","type":"uint256"}],"outputs":[],"stateMutability":"nonpayable"},
  // locks(address)
  {"type":"function","name":"locks","inputs":[{"name":"user","type":"address"}],"outputs":[{"type":"tuple","components":[{"name":"amount","type":"uint96"},{"name":"root","type":"uint80"},{"name":"endWeek","type":"uint16"}]}],"stateMutability":"view"},
  // origin()
  {"type":"function","name":"origin","inputs":[],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // parameters()
  {"type":"function","name":"parameters","inputs":[],"outputs":[{"type":"tuple","components":[{"name":"linearBelow","type":"uint256"}]}],"stateMutability":"view"},
  // stream()
  {"type":"function","name":"stream","inputs":[],"outputs":[{"name":"left","type":"uint256"},{"name":"rate","type":"uint256"},{"name":"finish","type":"uint256"}],"stateMutability":"view"},
  // timeOf(uint256)
  {"type":"function","name":"timeOf","inputs":[{"name":"week","type":"uint256"}],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // totalLocked()
  {"type":"function","name":"totalLocked","inputs":[],"outputs":[{"name":"total","type":"uint256"}],"stateMutability":"view"},
  // totalWeight()
  {"type":"function","name":"totalWeight","inputs":[],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // weightOf(address)
  {"type":"function","name":"weightOf","inputs":[{"name":"user","type":"address"}],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // withdraw()
  {"type":"function","name":"withdraw","inputs":[],"outputs":[],"stateMutability":"nonpayable"},
  // AccessManagedInvalidAuthority(address)
  {"type":"error","name":"AccessManagedInvalidAuthority","inputs":[{"name":"authority","type":"address"}]},
  // AccessManagedRequiredDelay(address,uint32)
  {"type":"error","name":"AccessManagedRequiredDelay","inputs":[{"name":"caller","type":"address"},{"name":"delay","type":"uint32"}]},
  // AccessManagedUnauthorized(address)
  {"type":"error","name":"AccessManagedUnauthorized","inputs":[{"name":"caller","type":"address"}]},
  // AmountAboveMaximum(uint256,uint256)
  {"type":"error","name":"AmountAboveMaximum","inputs":[{"name":"maximum","type":"uint256"},{"name":"given","type":"uint256"}]},
  // AmountBelowMinimum(uint256,uint256)
  {"type":"error","name":"AmountBelowMinimum","inputs":[{"name":"minimum","type":"uint256"},{"name":"given","type":"uint256"}]},
  // EndWeekOutOfRange(uint256,uint256,uint256)
  {"type":"error","name":"EndWeekOutOfRange","inputs":[{"name":"earliest","type":"uint256"},{"name":"latest","type":"uint256"},{"name":"given","type":"uint256"}]},
  // LockEnded(address,uint256)
  {"type":"error","name":"LockEnded","inputs":[{"name":"user","type":"address"},{"name":"unlockTime","type":"uint256"}]},
  // NoLock(address)
  {"type":"error","name":"NoLock","inputs":[{"name":"user","type":"address"}]},
  // ParameterOutOfRange(bytes32,uint256,uint256,uint256)
  {"type":"error","name":"ParameterOutOfRange","inputs":[{"name":"name","type":"bytes32"},{"name":"minimum","type":"uint256"},{"name":"maximum","type":"uint256"},{"name":"given","type":"uint256"}]},
  // SafeERC20FailedOperation(address)
  {"type":"error","name":"SafeERC20FailedOperation","inputs":[{"name":"token","type":"address"}]},
  // SnapshotUnknown(uint256,uint256)
  {"type":"error","name":"SnapshotUnknown","inputs":[{"name":"latest","type":"uint256"},{"name":"given","type":"uint256"}]},
  // StillLocked(address,uint256)
  {"type":"error","name":"StillLocked","inputs":[{"name":"user","type":"address"},{"name":"unlockTime","type":"uint256"}]},
  // TokenIsNotAContract(address)
  {"type":"error","name":"TokenIsNotAContract","inputs":[{"name":"token","type":"address"}]},
  // TransferMismatch(uint256,uint256)
  {"type":"error","name":"TransferMismatch","inputs":[{"name":"expected","type":"uint256"},{"name":"received","type":"uint256"}]},
] as const;

export const abiOfVCAIGovernor = [
  // callsOf(uint256)
  {"type":"function","name":"callsOf","inputs":[{"name":"id","type":"uint256"}],"outputs":[{"type":"tuple[]","components":[{"name":"target","type":"address"},{"name":"value","type":"uint256"},{"name":"data","type":"bytes"}]}],"stateMutability":"view"},
  // castVote(uint256,uint8)
  {"type":"function","name":"castVote","inputs":[{"name":"id","type":"uint256"},{"name":"support","type":"uint8"}],"outputs":[],"stateMutability":"nonpayable"},
  // execute(uint256)
  {"type":"function","name":"execute","inputs":[{"name":"id","type":"uint256"}],"outputs":[],"stateMutability":"nonpayable"},
  // openVote(uint256)
  {"type":"function","name":"openVote","inputs":[{"name":"id","type":"uint256"}],"outputs":[],"stateMutability":"nonpayable"},
  // parameters()
  {"type":"function","name":"parameters","inputs":[],"outputs":[{"type":"tuple","components":[{"name":"discussion","type":"uint32"},{"name":"openWindow","type":"uint32"},{"name":"voting","type":"uint32"},{"name":"queueWindow","type":"uint32"},{"name":"executeWindow","type":"uint32"},{"name":"proposerThreshold","type":"uint96"}]}],"stateMutability":"view"},
  // proposals(uint256)
  {"type":"function","name":"proposals","inputs":[{"name":"id","type":"uint256"}],"outputs":[{"type":"tuple","components":[{"name":"proposer","type":"address"},{"name":"openFrom","type":"uint64"},{"name":"openUntil","type":"uint64"},{"name":"snapshotId","type":"uint32"},{"name":"votingUntil","type":"uint64"},{"name":"queueUntil","type":"uint64"},{"name":"executeFrom","type":"uint64"},{"name":"executeUntil","type":"uint64"},{"name":"votesFor","type":"uint128"},{"name":"votesAgainst","type":"uint128"},{"name":"votesAbstain","type":"uint128"}]}],"stateMutability":"view"},
  // propose((address,uint256,bytes)[],string)
  {"type":"function","name":"propose","inputs":[{"name":"calls","type":"tuple[]","components":[{"name":"target","type":"address"},{"name":"value","type":"uint256"},{"name":"data","type":"bytes"}]},{"name":"description","type":"string"}],"outputs":[{"name":"id","type":"uint256"}],"stateMutability":"nonpayable"},
  // queue(uint256)
  {"type":"function","name":"queue","inputs":[{"name":"id","type":"uint256"}],"outputs":[],"stateMutability":"nonpayable"},
  // state(uint256)
  {"type":"function","name":"state","inputs":[{"name":"id","type":"uint256"}],"outputs":[{"type":"uint8"}],"stateMutability":"view"},
  // voteOf(uint256,address)
  {"type":"function","name":"voteOf","inputs":[{"name":"id","type":"uint256"},{"name":"voter","type":"address"}],"outputs":[{"name":"voted","type":"bool"},{"name":"support","type":"uint8"}],"stateMutability":"view"},
  // AccessManagedInvalidAuthority(address)
  {"type":"error","name":"AccessManagedInvalidAuthority","inputs":[{"name":"authority","type":"address"}]},
  // AccessManagedRequiredDelay(address,uint32)
  {"type":"error","name":"AccessManagedRequiredDelay","inputs":[{"name":"caller","type":"address"},{"name":"delay","type":"uint32"}]},
  // AccessManagedUnauthorized(address)
  {"type":"error","name":"AccessManagedUnauthorized","inputs":[{"name":"caller","type":"address"}]},
  // AlreadyVoted(uint256,address)
  {"type":"error","name":"AlreadyVoted","inputs":[{"name":"id","type":"uint256"},{"name":"voter","type":"address"}]},
  // BadVoteSignature(address,bytes32)
  {"type":"error","name":"BadVoteSignature","inputs":[{"name":"voter","type":"address"},{"name":"digest","type":"bytes32"}]},
  // CallsTooLong(uint256,uint256)
  {"type":"error","name":"CallsTooLong","inputs":[{"name":"maximumBytes","type":"uint256"},{"name":"given","type":"uint256"}]},
  // DescriptionTooLong(uint256,uint256)
  {"type":"error","name":"DescriptionTooLong","inputs":[{"name":"maximumBytes","type":"uint256"},{"name":"given","type":"uint256"}]},
  // InvalidShortString()
  {"type":"error","name":"InvalidShortString","inputs":[]},
  // NoWeight(uint256,address)
  {"type":"error","name":"NoWeight","inputs":[{"name":"id","type":"uint256"},{"name":"voter","type":"address"}]},
  // NotAContract(address)
  {"type":"error","name":"NotAContract","inputs":[{"name":"given","type":"address"}]},
  // NotProposer(uint256,address,address)
  {"type":"error","name":"NotProposer","inputs":[{"name":"id","type":"uint256"},{"name":"proposer","type":"address"},{"name":"caller","type":"address"}]},
  // ParameterOutOfRange(bytes32,uint256,uint256,uint256)
  {"type":"error","name":"ParameterOutOfRange","inputs":[{"name":"name","type":"bytes32"},{"name":"minimum","type":"uint256"},{"name":"maximum","type":"uint256"},{"name":"given","type":"uint256"}]},
  // ProposalUnknown(uint256)
  {"type":"error","name":"ProposalUnknown","inputs":[{"name":"id","type":"uint256"}]},
  // StringTooLong(string)
  {"type":"error","name":"StringTooLong","inputs":[{"name":"str","type":"string"}]},
  // WeightBelowThreshold(address,uint256,uint256)
  {"type":"error","name":"WeightBelowThreshold","inputs":[{"name":"proposer","type":"address"},{"name":"threshold","type":"uint256"},{"name":"weight","type":"uint256"}]},
  // WrongNumberOfCalls(uint256,uint256,uint256)
  {"type":"error","name":"WrongNumberOfCalls","inputs":[{"name":"minimum","type":"uint256"},{"name":"maximum","type":"uint256"},{"name":"given","type":"uint256"}]},
  // WrongState(uint256,uint8,uint8)
  {"type":"error","name":"WrongState","inputs":[{"name":"id","type":"uint256"},{"name":"needed","type":"uint8"},{"name":"present","type":"uint8"}]},
] as const;

export const abiOfIncentiveController = [
  // closePeriod()
  {"type":"function","name":"closePeriod","inputs":[],"outputs":[],"stateMutability":"nonpayable"},
  // currentPeriod()
  {"type":"function","name":"currentPeriod","inputs":[],"outputs":[{"type":"uint32"},{"type":"uint40"},{"type":"uint40"}],"stateMutability":"view"},
  // parameters()
  {"type":"function","name":"parameters","inputs":[],"outputs":[{"type":"tuple","components":[{"name":"periodLength","type":"uint32"},{"name":"releaseShare","type":"uint64"},{"name":"gain","type":"uint64"},{"name":"target","type":"uint64"},{"name":"pocShare","type":"uint64"}]}],"stateMutability":"view"},
  // released()
  {"type":"function","name":"released","inputs":[],"outputs":[{"type":"uint128"}],"stateMutability":"view"},
  // startsAt()
  {"type":"function","name":"startsAt","inputs":[],"outputs":[{"type":"uint40"}],"stateMutability":"view"},
  // supplyShare()
  {"type":"function","name":"supplyShare","inputs":[],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // utilization()
  {"type":"function","name":"utilization","inputs":[],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // AccessManagedInvalidAuthority(address)
  {"type":"error","name":"AccessManagedInvalidAuthority","inputs":[{"name":"authority","type":"address"}]},
  // AccessManagedRequiredDelay(address,uint32)
  {"type":"error","name":"AccessManagedRequiredDelay","inputs":[{"name":"caller","type":"address"},{"name":"delay","type":"uint32"}]},
  // AccessManagedUnauthorized(address)
  {"type":"error","name":"AccessManagedUnauthorized","inputs":[{"name":"caller","type":"address"}]},
  // MemoTooLong(uint256,uint256)
  {"type":"error","name":"MemoTooLong","inputs":[{"name":"maximum","type":"uint256"},{"name":"given","type":"uint256"}]},
  // ModulePaused(uint64)
  {"type":"error","name":"ModulePaused","inputs":[{"name":"until","type":"uint64"}]},
  // NotAContract(address)
  {"type":"error","name":"NotAContract","inputs":[{"name":"given","type":"address"}]},
  // NotPaused()
  {"type":"error","name":"NotPaused","inputs":[]},
  // ParameterOutOfRange(bytes32,uint256,uint256,uint256)
  {"type":"error","name":"ParameterOutOfRange","inputs":[{"name":"name","type":"bytes32"},{"name":"value","type":"uint256"},{"name":"minimum","type":"uint256"},{"name":"maximum","type":"uint256"}]},
  // PauseCoolingDown(uint64)
  {"type":"error","name":"PauseCoolingDown","inputs":[{"name":"pausableFrom","type":"uint64"}]},
  // PauseTooLong(uint64,uint64)
  {"type":"error","name":"PauseTooLong","inputs":[{"name":"maximum","type":"uint64"},{"name":"given","type":"uint64"}]},
  // PeriodRunning(uint32,uint256)
  {"type":"error","name":"PeriodRunning","inputs":[{"name":"period","type":"uint32"},{"name":"endsAt","type":"uint256"}]},
  // RecipientIsZero(uint256)
  {"type":"error","name":"RecipientIsZero","inputs":[{"name":"amount","type":"uint256"}]},
  // SafeERC20FailedOperation(address)
  {"type":"error","name":"SafeERC20FailedOperation","inputs":[{"name":"token","type":"address"}]},
  // StartOutOfRange(uint256,uint256)
  {"type":"error","name":"StartOutOfRange","inputs":[{"name":"minimum","type":"uint256"},{"name":"given","type":"uint256"}]},
  // WithheldExceeded(uint256,uint256)
  {"type":"error","name":"WithheldExceeded","inputs":[{"name":"withheld","type":"uint256"},{"name":"asked","type":"uint256"}]},
] as const;

export const abiOfVCAIToken = [
  // allowance(address,address)
  {"type":"function","name":"allowance","inputs":[{"name":"owner","type":"address"},{"name":"spender","type":"address"}],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // approve(address,uint256)
  {"type":"function","name":"approve","inputs":[{"name":"spender","type":"address"},{"name":"value","type":"uint256"}],"outputs":[{"type":"bool"}],"stateMutability":"nonpayable"},
  // balanceOf(address)
  {"type":"function","name":"balanceOf","inputs":[{"name":"account","type":"address"}],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // decimals()
  {"type":"function","name":"decimals","inputs":[],"outputs":[{"type":"uint8"}],"stateMutability":"view"},
  // eip712Domain()
  {"type":"function","name":"eip712Domain","inputs":[],"outputs":[{"name":"fields","type":"bytes1"},{"name":"name","type":"string"},{"name":"version","type":"string"},{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"},{"name":"salt","type":"bytes32"},{"name":"extensions","type":"uint256[]"}],"stateMutability":"view"},
  // nonces(address)
  {"type":"function","name":"nonces","inputs":[{"name":"owner","type":"address"}],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // symbol()
  {"type":"function","name":"symbol","inputs":[],"outputs":[{"type":"string"}],"stateMutability":"view"},
  // AccessManagedInvalidAuthority(address)
  {"type":"error","name":"AccessManagedInvalidAuthority","inputs":[{"name":"authority","type":"address"}]},
  // AccessManagedRequiredDelay(address,uint32)
  {"type":"error","name":"AccessManagedRequiredDelay","inputs":[{"name":"caller","type":"address"},{"name":"delay","type":"uint32"}]},
  // AccessManagedUnauthorized(address)
  {"type":"error","name":"AccessManagedUnauthorized","inputs":[{"name":"caller","type":"address"}]},
  // ECDSAInvalidSignature()
  {"type":"error","name":"ECDSAInvalidSignature","inputs":[]},
  // ECDSAInvalidSignatureLength(uint256)
  {"type":"error","name":"ECDSAInvalidSignatureLength","inputs":[{"name":"length","type":"uint256"}]},
  // ECDSAInvalidSignatureS(bytes32)
  {"type":"error","name":"ECDSAInvalidSignatureS","inputs":[{"name":"s","type":"bytes32"}]},
  // ERC20InsufficientAllowance(address,uint256,uint256)
  {"type":"error","name":"ERC20InsufficientAllowance","inputs":[{"name":"spender","type":"address"},{"name":"allowance","type":"uint256"},{"name":"needed","type":"uint256"}]},
  // ERC20InsufficientBalance(address,uint256,uint256)
  {"type":"error","name":"ERC20InsufficientBalance","inputs":[{"name":"sender","type":"address"},{"name":"balance","type":"uint256"},{"name":"needed","type":"uint256"}]},
  // ERC20InvalidApprover(address)
  {"type":"error","name":"ERC20InvalidApprover","inputs":[{"name":"approver","type":"address"}]},
  // ERC20InvalidReceiver(address)
  {"type":"error","name":"ERC20InvalidReceiver","inputs":[{"name":"receiver","type":"address"}]},
  // ERC20InvalidSender(address)
  {"type":"error","name":"ERC20InvalidSender","inputs":[{"name":"sender","type":"address"}]},
  // ERC20InvalidSpender(address)
  {"type":"error","name":"ERC20InvalidSpender","inputs":[{"name":"spender","type":"address"}]},
  // ERC2612ExpiredSignature(uint256)
  {"type":"error","name":"ERC2612ExpiredSignature","inputs":[{"name":"deadline","type":"uint256"}]},
  // ERC2612InvalidSigner(address,address)
  {"type":"error","name":"ERC2612InvalidSigner","inputs":[{"name":"signer","type":"address"},{"name":"owner","type":"address"}]},
  // EffectiveInThePast(uint256,uint256)
  {"type":"error","name":"EffectiveInThePast","inputs":[{"name":"timestampNow","type":"uint256"},{"name":"effectiveAt","type":"uint256"}]},
  // EffectiveTooLate(uint256,uint256)
  {"type":"error","name":"EffectiveTooLate","inputs":[{"name":"latest","type":"uint256"},{"name":"effectiveAt","type":"uint256"}]},
  // GenesisAlreadyMinted(uint256)
  {"type":"error","name":"GenesisAlreadyMinted","inputs":[{"name":"supply","type":"uint256"}]},
  // GenesisNotMinted(address)
  {"type":"error","name":"GenesisNotMinted","inputs":[{"name":"caller","type":"address"}]},
  // GenesisSumWrong(uint256,uint256)
  {"type":"error","name":"GenesisSumWrong","inputs":[{"name":"expected","type":"uint256"},{"name":"given","type":"uint256"}]},
  // InvalidAccountNonce(address,uint256)
  {"type":"error","name":"InvalidAccountNonce","inputs":[{"name":"account","type":"address"},{"name":"currentNonce","type":"uint256"}]},
  // InvalidShortString()
  {"type":"error","name":"InvalidShortString","inputs":[]},
  // MultiplierOutOfRange(uint256,uint256,uint256)
  {"type":"error","name":"MultiplierOutOfRange","inputs":[{"name":"minimum","type":"uint256"},{"name":"maximum","type":"uint256"},{"name":"given","type":"uint256"}]},
  // NotTheGenesisMinter(address,address)
  {"type":"error","name":"NotTheGenesisMinter","inputs":[{"name":"caller","type":"address"},{"name":"genesisMinter","type":"address"}]},
  // StringTooLong(string)
  {"type":"error","name":"StringTooLong","inputs":[{"name":"str","type":"string"}]},
  // YearlyCapExceeded(uint256,uint256,uint256,uint256)
  {"type":"error","name":"YearlyCapExceeded","inputs":[{"name":"year","type":"uint256"},{"name":"cap","type":"uint256"},{"name":"mintedInYear","type":"uint256"},{"name":"asked","type":"uint256"}]},
] as const;

export const abiOfSettlement = [
  // batchOf(address,uint64)
  {"type":"function","name":"batchOf","inputs":[{"name":"scheduler","type":"address"},{"name":"index","type":"uint64"}],"outputs":[{"type":"tuple","components":[{"name":"receiptsRoot","type":"bytes32"},{"name":"earningsRoot","type":"bytes32"},{"name":"chargedLeft","type":"uint96"},{"name":"earnedLeft","type":"uint96"},{"name":"finalAt","type":"uint40"},{"name":"feeBps","type":"uint16"}]}],"stateMutability":"view"},
  // claim(address,uint64,address,uint128,bytes32[])
  {"type":"function","name":"claim","inputs":[{"name":"scheduler","type":"address"},{"name":"index","type":"uint64"},{"name":"node","type":"address"},{"name":"cumulative","type":"uint128"},{"name":"proof","type":"bytes32[]"}],"outputs":[],"stateMutability":"nonpayable"},
  // claimed(address,address)
  {"type":"function","name":"claimed","inputs":[{"name":"scheduler","type":"address"},{"name":"node","type":"address"}],"outputs":[{"type":"uint128"}],"stateMutability":"view"},
  // isFinal(address,uint64)
  {"type":"function","name":"isFinal","inputs":[{"name":"scheduler","type":"address"},{"name":"index","type":"uint64"}],"outputs":[{"type":"bool"}],"stateMutability":"view"},
  // pool(address)
  {"type":"function","name":"pool","inputs":[{"name":"scheduler","type":"address"}],"outputs":[{"type":"uint128"}],"stateMutability":"view"},
  // receiptDigest((bytes32,address,address,address,uint64,uint64,uint64,uint128,uint128,bytes32,bytes32,bytes32,
  {"type":"function","name":"receiptDigest","inputs":[{"name":"receipt","type":"tuple","components":[{"name":"jobId","type":"bytes32"},{"name":"client","type":"address"},{"name":"node","type":"address"},{"name":"scheduler","type":"address"},{"name":"fencingToken","type":"uint64"},{"name":"inputUnits","type":"uint64"},{"name":"outputUnits","type":"uint64"},{"name":"amount","type":"uint128"},{"name":"quote","type":"uint128"},{"name":"modelRoot","type":"bytes32"},{"name":"requestHash","type":"bytes32"},{"name":"responseHash","type":"bytes32"},{"name":"verificationRoot","type":"bytes32"},{"name":"startedAt","type":"uint64"},{"name":"finishedAt","type":"uint64"}]}],"outputs":[{"type":"bytes32"}],"stateMutability":"view"},
  // receiptVoided(address,uint64,bytes32)
  {"type":"function","name":"receiptVoided","inputs":[{"name":"scheduler","type":"address"},{"name":"index","type":"uint64"},{"name":"receiptHash","type":"bytes32"}],"outputs":[{"type":"bool"}],"stateMutability":"view"},
  // voided(address,address)
  {"type":"function","name":"voided","inputs":[{"name":"scheduler","type":"address"},{"name":"node","type":"address"}],"outputs":[{"type":"uint128"}],"stateMutability":"view"},
  // AccessManagedInvalidAuthority(address)
  {"type":"error","name":"AccessManagedInvalidAuthority","inputs":[{"name":"authority","type":"address"}]},
  // AccessManagedRequiredDelay(address,uint32)
  {"type":"error","name":"AccessManagedRequiredDelay","inputs":[{"name":"caller","type":"address"},{"name":"delay","type":"uint32"}]},
  // AccessManagedUnauthorized(address)
  {"type":"error","name":"AccessManagedUnauthorized","inputs":[{"name":"caller","type":"address"}]},
  // BatchFinal(address,uint64,uint40)
  {"type":"error","name":"BatchFinal","inputs":[{"name":"scheduler","type":"address"},{"name":"index","type":"uint64"},{"name":"finalAt","type":"uint40"}]},
  // BatchIndexMismatch(uint64,uint64)
  {"type":"error","name":"BatchIndexMismatch","inputs":[{"name":"expected","type":"uint64"},{"name":"given","type":"uint64"}]},
  // BatchNotFinal(address,uint64,uint40)
  {"type":"error","name":"BatchNotFinal","inputs":[{"name":"scheduler","type":"address"},{"name":"index","type":"uint64"},{"name":"finalAt","type":"uint40"}]},
  // BatchUnknown(address,uint64)
  {"type":"error","name":"BatchUnknown","inputs":[{"name":"scheduler","type":"address"},{"name":"index","type":"uint64"}]},
  // EarnedAboveCharged(uint128,uint128)
  {"type":"error","name":"EarnedAboveCharged","inputs":[{"name":"totalCharged","type":"uint128"},{"name":"totalEarned","type":"uint128"}]},
  // EarningsAlreadyCorrected(address,uint64,address,uint128)
  {"type":"error","name":"EarningsAlreadyCorrected","inputs":[{"name":"scheduler","type":"address"},{"name":"index","type":"uint64"},{"name":"node","type":"address"},{"name":"corrected","type":"uint128"}]},
  // EmptyBatch(address,uint64)
  {"type":"error","name":"EmptyBatch","inputs":[{"name":"scheduler","type":"address"},{"name":"index","type":"uint64"}]},
  // FeeOutOfBounds(uint256,uint256,uint256)
  {"type":"error","name":"FeeOutOfBounds","inputs":[{"name":"fee","type":"uint256"},{"name":"minimum","type":"uint256"},{"name":"maximum","type":"uint256"}]},
  // InvalidProof(bytes32,bytes32)
  {"type":"error","name":"InvalidProof","inputs":[{"name":"root","type":"bytes32"},{"name":"leaf","type":"bytes32"}]},
  // InvalidShortString()
  {"type":"error","name":"InvalidShortString","inputs":[]},
  // ModulePaused(uint64)
  {"type":"error","name":"ModulePaused","inputs":[{"name":"until","type":"uint64"}]},
  // NotAContract(bytes32,address)
  {"type":"error","name":"NotAContract","inputs":[{"name":"name","type":"bytes32"},{"name":"given","type":"address"}]},
  // NotPaused()
  {"type":"error","name":"NotPaused","inputs":[]},
  // NothingToClaim(address,address)
  {"type":"error","name":"NothingToClaim","inputs":[{"name":"scheduler","type":"address"},{"name":"node","type":"address"}]},
  // ParameterOutOfRange(bytes32,uint256,uint256,uint256)
  {"type":"error","name":"ParameterOutOfRange","inputs":[{"name":"name","type":"bytes32"},{"name":"value","type":"uint256"},{"name":"minimum","type":"uint256"},{"name":"maximum","type":"uint256"}]},
  // PauseCoolingDown(uint64)
  {"type":"error","name":"PauseCoolingDown","inputs":[{"name":"pausableFrom","type":"uint64"}]},
  // PauseTooLong(uint64,uint64)
  {"type":"error","name":"PauseTooLong","inputs":[{"name":"maximum","type":"uint64"},{"name":"given","type":"uint64"}]},
  // ReceiptAlreadyVoided(address,uint64,bytes32)
  {"type":"error","name":"ReceiptAlreadyVoided","inputs":[{"name":"scheduler","type":"address"},{"name":"index","type":"uint64"},{"name":"receiptHash","type":"bytes32"}]},
  // SafeCastOverflowedUintDowncast(uint8,uint256)
  {"type":"error","name":"SafeCastOverflowedUintDowncast","inputs":[{"name":"bits","type":"uint8"},{"name":"value","type":"uint256"}]},
  // SafeERC20FailedOperation(address)
  {"type":"error","name":"SafeERC20FailedOperation","inputs":[{"name":"token","type":"address"}]},
  // SchedulerInactive(address)
  {"type":"error","name":"SchedulerInactive","inputs":[{"name":"scheduler","type":"address"}]},
  // StringTooLong(string)
  {"type":"error","name":"StringTooLong","inputs":[{"name":"str","type":"string"}]},
] as const;

export const abiOfEscrow = [
  // available(address)
  {"type":"function","name":"available","inputs":[{"name":"client","type":"address"}],"outputs":[{"type":"uint128"}],"stateMutability":"view"},
  // capDigest((address,address,uint128,uint64,uint256))
  {"type":"function","name":"capDigest","inputs":[{"name":"cap","type":"tuple","components":[{"name":"client","type":"address"},{"name":"scheduler","type":"address"},{"name":"limit","type":"uint128"},{"name":"expiry","type":"uint64"},{"name":"nonce","type":"uint256"}]}],"outputs":[{"type":"bytes32"}],"stateMutability":"view"},
  // caps(bytes32)
  {"type":"function","name":"caps","inputs":[{"name":"capId","type":"bytes32"}],"outputs":[{"type":"tuple","components":[{"name":"client","type":"address"},{"name":"scheduler","type":"address"},{"name":"limit","type":"uint128"},{"name":"spent","type":"uint128"},{"name":"expiry","type":"uint64"},{"name":"closed","type":"bool"}]}],"stateMutability":"view"},
  // deposit(address,uint128)
  {"type":"function","name":"deposit","inputs":[{"name":"to","type":"address"},{"name":"amount","type":"uint128"}],"outputs":[],"stateMutability":"nonpayable"},
  // depositWithPermit(address,uint128,uint256,uint8,bytes32,bytes32)
  {"type":"function","name":"depositWithPermit","inputs":[{"name":"to","type":"address"},{"name":"amount","type":"uint128"},{"name":"deadline","type":"uint256"},{"name":"v","type":"uint8"},{"name":"r","type":"bytes32"},{"name":"s","type":"bytes32"}],"outputs":[],"stateMutability":"nonpayable"},
  // lockedOf(address)
  {"type":"function","name":"lockedOf","inputs":[{"name":"client","type":"address"}],"outputs":[{"type":"uint128"}],"stateMutability":"view"},
  // nonceUsed(address,uint256)
  {"type":"function","name":"nonceUsed","inputs":[{"name":"client","type":"address"},{"name":"nonce","type":"uint256"}],"outputs":[{"type":"bool"}],"stateMutability":"view"},
  // AccessManagedInvalidAuthority(address)
  {"type":"error","name":"AccessManagedInvalidAuthority","inputs":[{"name":"authority","type":"address"}]},
  // AccessManagedRequiredDelay(address,uint32)
  {"type":"error","name":"AccessManagedRequiredDelay","inputs":[{"name":"caller","type":"address"},{"name":"delay","type":"uint32"}]},
  // AccessManagedUnauthorized(address)
  {"type":"error","name":"AccessManagedUnauthorized","inputs":[{"name":"caller","type":"address"}]},
  // AmountIsZero(address)
  {"type":"error","name":"AmountIsZero","inputs":[{"name":"client","type":"address"}]},
  // BadCapSignature(address,bytes32)
  {"type":"error","name":"BadCapSignature","inputs":[{"name":"client","type":"address"},{"name":"digest","type":"bytes32"}]},
  // BalanceTooLow(address,uint128,uint128)
  {"type":"error","name":"BalanceTooLow","inputs":[{"name":"client","type":"address"},{"name":"available","type":"uint128"},{"name":"requested","type":"uint128"}]},
  // CapClosed(bytes32)
  {"type":"error","name":"CapClosed","inputs":[{"name":"capId","type":"bytes32"}]},
  // CapExceeded(bytes32,uint128,uint128)
  {"type":"error","name":"CapExceeded","inputs":[{"name":"capId","type":"bytes32"},{"name":"remaining","type":"uint128"},{"name":"requested","type":"uint128"}]},
  // CapExpired(bytes32,uint64)
  {"type":"error","name":"CapExpired","inputs":[{"name":"capId","type":"bytes32"},{"name":"expiry","type":"uint64"}]},
  // CapStillOpen(bytes32,uint256)
  {"type":"error","name":"CapStillOpen","inputs":[{"name":"capId","type":"bytes32"},{"name":"releasableAt","type":"uint256"}]},
  // CapTermTooLong(uint64,uint64)
  {"type":"error","name":"CapTermTooLong","inputs":[{"name":"expiry","type":"uint64"},{"name":"latest","type":"uint64"}]},
  // CapUnknown(bytes32)
  {"type":"error","name":"CapUnknown","inputs":[{"name":"capId","type":"bytes32"}]},
  // DelayTooLong(uint64,uint64)
  {"type":"error","name":"DelayTooLong","inputs":[{"name":"maximum","type":"uint64"},{"name":"given","type":"uint64"}]},
  // InvalidShortString()
  {"type":"error","name":"InvalidShortString","inputs":[]},
  // ModulePaused(uint64)
  {"type":"error","name":"ModulePaused","inputs":[{"name":"until","type":"uint64"}]},
  // NonceUsed(address,uint256)
  {"type":"error","name":"NonceUsed","inputs":[{"name":"client","type":"address"},{"name":"nonce","type":"uint256"}]},
  // NotPaused()
  {"type":"error","name":"NotPaused","inputs":[]},
  // NothingToWithdraw(address)
  {"type":"error","name":"NothingToWithdraw","inputs":[{"name":"client","type":"address"}]},
  // PauseCoolingDown(uint64)
  {"type":"error","name":"PauseCoolingDown","inputs":[{"name":"pausableFrom","type":"uint64"}]},
  // PauseTooLong(uint64,uint64)
  {"type":"error","name":"PauseTooLong","inputs":[{"name":"maximum","type":"uint64"},{"name":"given","type":"uint64"}]},
  // SafeCastOverflowedUintDowncast(uint8,uint256)
  {"type":"error","name":"SafeCastOverflowedUintDowncast","inputs":[{"name":"bits","type":"uint8"},{"name":"value","type":"uint256"}]},
  // SafeERC20FailedOperation(address)
  {"type":"error","name":"SafeERC20FailedOperation","inputs":[{"name":"token","type":"address"}]},
  // StringTooLong(string)
  {"type":"error","name":"StringTooLong","inputs":[{"name":"str","type":"string"}]},
  // TokenIsNotAContract(address)
  {"type":"error","name":"TokenIsNotAContract","inputs":[{"name":"token","type":"address"}]},
  // TransferMismatch(uint256,uint256)
  {"type":"error","name":"TransferMismatch","inputs":[{"name":"expected","type":"uint256"},{"name":"received","type":"uint256"}]},
  // WithdrawalPending(address,uint64)
  {"type":"error","name":"WithdrawalPending","inputs":[{"name":"client","type":"address"},{"name":"availableAt","type":"uint64"}]},
  // WrongScheduler(bytes32,address,address)
  {"type":"error","name":"WrongScheduler","inputs":[{"name":"capId","type":"bytes32"},{"name":"expected","type":"address"},{"name":"given","type":"address"}]},
] as const;

export const abiOfNodeRegistry = [
  // isActive(address,uint8)
  {"type":"function","name":"isActive","inputs":[{"name":"identity","type":"address"},{"name":"role","type":"uint8"}],"outputs":[{"type":"bool"}],"stateMutability":"view"},
  // minimumStake(uint8)
  {"type":"function","name":"minimumStake","inputs":[{"name":"role","type":"uint8"}],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // nodeOf(address)
  {"type":"function","name":"nodeOf","inputs":[{"name":"identity","type":"address"}],"outputs":[{"type":"tuple","components":[{"name":"role","type":"uint8"},{"name":"kind","type":"uint8"},{"name":"banned","type":"bool"},{"name":"gpuCount","type":"uint16"},{"name":"vramMib","type":"uint32"},{"name":"registeredAt","type":"uint64"},{"name":"unbondAt","type":"uint64"},{"name":"stake","type":"uint128"},{"name":"unbonding","type":"uint128"},{"name":"gpuModel","type":"bytes32"},{"name":"region","type":"bytes32"},{"name":"endpointKey","type":"bytes32"},{"name":"didDocumentHash","type":"bytes12"},{"name":"suspendedUntil","type":"uint64"},{"name":"heldUntil","type":"uint64"}]}],"stateMutability":"view"},
  // requestUnbond(uint128)
  {"type":"function","name":"requestUnbond","inputs":[{"name":"amount","type":"uint128"}],"outputs":[],"stateMutability":"nonpayable"},
  // stakeOf(address)
  {"type":"function","name":"stakeOf","inputs":[{"name":"identity","type":"address"}],"outputs":[{"name":"active","type":"uint128"},{"name":"unbonding","type":"uint128"}],"stateMutability":"view"},
  // topUp(uint128)
  {"type":"function","name":"topUp","inputs":[{"name":"amount","type":"uint128"}],"outputs":[],"stateMutability":"nonpayable"},
  // unbondingDelay()
  {"type":"function","name":"unbondingDelay","inputs":[],"outputs":[{"type":"uint64"}],"stateMutability":"view"},
  // withdrawUnbonded()
  {"type":"function","name":"withdrawUnbonded","inputs":[],"outputs":[],"stateMutability":"nonpayable"},
  // AccessManagedInvalidAuthority(address)
  {"type":"error","name":"AccessManagedInvalidAuthority","inputs":[{"name":"authority","type":"address"}]},
  // AccessManagedRequiredDelay(address,uint32)
  {"type":"error","name":"AccessManagedRequiredDelay","inputs":[{"name":"caller","type":"address"},{"name":"delay","type":"uint32"}]},
  // AccessManagedUnauthorized(address)
  {"type":"error","name":"AccessManagedUnauthorized","inputs":[{"name":"caller","type":"address"}]},
  // AlreadyRegistered(address)
  {"type":"error","name":"AlreadyRegistered","inputs":[{"name":"identity","type":"address"}]},
  // AmountIsZero(address)
  {"type":"error","name":"AmountIsZero","inputs":[{"name":"identity","type":"address"}]},
  // ClassHasNoBase(uint8)
  {"type":"error","name":"ClassHasNoBase","inputs":[{"name":"class","type":"uint8"}]},
  // IdentityBanned(address)
  {"type":"error","name":"IdentityBanned","inputs":[{"name":"identity","type":"address"}]},
  // InvalidShortString()
  {"type":"error","name":"InvalidShortString","inputs":[]},
  // NotRegistered(address)
  {"type":"error","name":"NotRegistered","inputs":[{"name":"identity","type":"address"}]},
  // NothingUnbonding(address)
  {"type":"error","name":"NothingUnbonding","inputs":[{"name":"identity","type":"address"}]},
  // ParameterOutOfRange(bytes32,uint256,uint256,uint256)
  {"type":"error","name":"ParameterOutOfRange","inputs":[{"name":"name","type":"bytes32"},{"name":"value","type":"uint256"},{"name":"minimum","type":"uint256"},{"name":"maximum","type":"uint256"}]},
  // RecomputedTooSoon(uint64)
  {"type":"error","name":"RecomputedTooSoon","inputs":[{"name":"nextAt","type":"uint64"}]},
  // RegionTooLong(uint256,bytes32)
  {"type":"error","name":"RegionTooLong","inputs":[{"name":"maximum","type":"uint256"},{"name":"region","type":"bytes32"}]},
  // SafeERC20FailedOperation(address)
  {"type":"error","name":"SafeERC20FailedOperation","inputs":[{"name":"token","type":"address"}]},
  // SourcesNotSet(address,address)
  {"type":"error","name":"SourcesNotSet","inputs":[{"name":"oracle","type":"address"},{"name":"incentive","type":"address"}]},
  // StakeBelowMinimum(uint8,uint256,uint128)
  {"type":"error","name":"StakeBelowMinimum","inputs":[{"name":"role","type":"uint8"},{"name":"minimum","type":"uint256"},{"name":"given","type":"uint128"}]},
  // StakeTooLow(address,uint128,uint128)
  {"type":"error","name":"StakeTooLow","inputs":[{"name":"identity","type":"address"},{"name":"stake","type":"uint128"},{"name":"requested","type":"uint128"}]},
  // StillUnbonding(address,uint64)
  {"type":"error","name":"StillUnbonding","inputs":[{"name":"identity","type":"address"},{"name":"unbondAt","type":"uint64"}]},
  // StringTooLong(string)
  {"type":"error","name":"StringTooLong","inputs":[{"name":"str","type":"string"}]},
  // TokenIsNotAContract(address)
  {"type":"error","name":"TokenIsNotAContract","inputs":[{"name":"token","type":"address"}]},
  // TransferMismatch(uint256,uint256)
  {"type":"error","name":"TransferMismatch","inputs":[{"name":"expected","type":"uint256"},{"name":"received","type":"uint256"}]},
  // UnbondingHeld(address,uint64)
  {"type":"error","name":"UnbondingHeld","inputs":[{"name":"identity","type":"address"},{"name":"heldUntil","type":"uint64"}]},
  // UriTooLong(uint256,uint256)
  {"type":"error","name":"UriTooLong","inputs":[{"name":"maximum","type":"uint256"},{"name":"given","type":"uint256"}]},
] as const;

export const abiOfSlashingCourt = [
  // appealOf(uint256)
  {"type":"function","name":"appealOf","inputs":[{"name":"caseId","type":"uint256"}],"outputs":[{"type":"tuple","components":[{"name":"appellant","type":"address"},{"name":"bond","type":"uint128"},{"name":"proposalId","type":"uint256"}]}],"stateMutability":"view"},
  // caseCount()
  {"type":"function","name":"caseCount","inputs":[],"outputs":[{"type":"uint256"}],"stateMutability":"view"},
  // caseOf(uint256)
  {"type":"function","name":"caseOf","inputs":[{"name":"caseId","type":"uint256"}],"outputs":[{"type":"tuple","components":[{"name":"accused","type":"address"},{"name":"deadline","type":"uint40"},{"name":"state","type":"uint8"},{"name":"tier","type":"uint8"},{"name":"round","type":"uint8"},{"name":"accuser","type":"address"},{"name":"suspension","type":"uint40"},{"name":"nominee","type":"address"},{"name":"victim","type":"address"},{"name":"lossUsd","type":"uint128"},{"name":"bond","type":"uint128"},{"name":"fromStake","type":"uint128"},{"name":"fromUnbonding","type":"uint128"},{"name":"evidenceHash","type":"bytes32"}]}],"stateMutability":"view"},
  // AccessManagedInvalidAuthority(address)
  {"type":"error","name":"AccessManagedInvalidAuthority","inputs":[{"name":"authority","type":"address"}]},
  // AccessManagedRequiredDelay(address,uint32)
  {"type":"error","name":"AccessManagedRequiredDelay","inputs":[{"name":"caller","type":"address"},{"name":"delay","type":"uint32"}]},
  // AccessManagedUnauthorized(address)
  {"type":"error","name":"AccessManagedUnauthorized","inputs":[{"name":"caller","type":"address"}]},
  // AccusedIsUnknown(address)
  {"type":"error","name":"AccusedIsUnknown","inputs":[{"name":"accused","type":"address"}]},
  // AccusesItself(address,address,address)
  {"type":"error","name":"AccusesItself","inputs":[{"name":"accused","type":"address"},{"name":"accuser","type":"address"},{"name":"nominee","type":"address"}]},
  // AlreadyAccused(uint256,address,bytes32)
  {"type":"error","name":"AlreadyAccused","inputs":[{"name":"caseId","type":"uint256"},{"name":"accused","type":"address"},{"name":"evidenceHash","type":"bytes32"}]},
  // AppealUndecided(uint256,uint256)
  {"type":"error","name":"AppealUndecided","inputs":[{"name":"caseId","type":"uint256"},{"name":"proposalId","type":"uint256"}]},
  // AppealWindowOver(uint256,uint40)
  {"type":"error","name":"AppealWindowOver","inputs":[{"name":"caseId","type":"uint256"},{"name":"deadline","type":"uint40"}]},
  // AppealWindowRunning(uint256,uint40)
  {"type":"error","name":"AppealWindowRunning","inputs":[{"name":"caseId","type":"uint256"},{"name":"deadline","type":"uint40"}]},
  // EvidenceIsMissing(address)
  {"type":"error","name":"EvidenceIsMissing","inputs":[{"name":"accuser","type":"address"}]},
  // LossTooHigh(uint128,uint128)
  {"type":"error","name":"LossTooHigh","inputs":[{"name":"maximum","type":"uint128"},{"name":"given","type":"uint128"}]},
  // ModulePaused(uint64)
  {"type":"error","name":"ModulePaused","inputs":[{"name":"until","type":"uint64"}]},
  // NotPaused()
  {"type":"error","name":"NotPaused","inputs":[]},
  // NothingOwed(uint256)
  {"type":"error","name":"NothingOwed","inputs":[{"name":"caseId","type":"uint256"}]},
  // ParameterOutOfRange(bytes32,uint256,uint256,uint256)
  {"type":"error","name":"ParameterOutOfRange","inputs":[{"name":"name","type":"bytes32"},{"name":"value","type":"uint256"},{"name":"minimum","type":"uint256"},{"name":"maximum","type":"uint256"}]},
  // PauseCoolingDown(uint64)
  {"type":"error","name":"PauseCoolingDown","inputs":[{"name":"pausableFrom","type":"uint64"}]},
  // PauseTooLong(uint64,uint64)
  {"type":"error","name":"PauseTooLong","inputs":[{"name":"maximum","type":"uint64"},{"name":"given","type":"uint64"}]},
  // RoundIsOver(uint256,uint40)
  {"type":"error","name":"RoundIsOver","inputs":[{"name":"caseId","type":"uint256"},{"name":"deadline","type":"uint40"}]},
  // RoundIsRunning(uint256,uint40)
  {"type":"error","name":"RoundIsRunning","inputs":[{"name":"caseId","type":"uint256"},{"name":"deadline","type":"uint40"}]},
  // SafeERC20FailedOperation(address)
  {"type":"error","name":"SafeERC20FailedOperation","inputs":[{"name":"token","type":"address"}]},
  // TierIsNone(address)
  {"type":"error","name":"TierIsNone","inputs":[{"name":"accused","type":"address"}]},
  // TransferMismatch(uint256,uint256)
  {"type":"error","name":"TransferMismatch","inputs":[{"name":"expected","type":"uint256"},{"name":"received","type":"uint256"}]},
  // TreasuryIsEmpty(uint256,uint128)
  {"type":"error","name":"TreasuryIsEmpty","inputs":[{"name":"caseId","type":"uint256"},{"name":"owedUsd","type":"uint128"}]},
  // UriTooLong(uint256,uint256)
  {"type":"error","name":"UriTooLong","inputs":[{"name":"maximum","type":"uint256"},{"name":"given","type":"uint256"}]},
  // VictimIsMissing(uint128)
  {"type":"error","name":"VictimIsMissing","inputs":[{"name":"lossUsd","type":"uint128"}]},
  // WrongState(uint256,uint8)
  {"type":"error","name":"WrongState","inputs":[{"name":"caseId","type":"uint256"},{"name":"state","type":"uint8"}]},
] as const;
