// SPDX-License-Identifier: Apache-2.0
import type { RuleContract, RuleName } from "@vcity/sdk";
import type { Language } from ".";

// A rule that is missing here does not compile.
const contractsZh: Record<RuleContract, string> = {
  AgentMarket: "智能体市场",
  AgentNFT: "智能体 NFT",
  Agreements: "长期协议",
  BuybackExecutor: "回购",
  Escrow: "托管",
  FraudProofs: "欺诈证明",
  IncentiveController: "激励调节",
  LicenseManager: "智能体许可",
  NetworkFee: "网络费率",
  NodeRegistry: "节点登记",
  RevenueSplitter: "收入分成",
  RewardRoots: "奖励发放",
  Settlement: "结算",
  SlashingCourt: "罚没法庭",
  Treasury: "金库",
  TwapOracle: "价格预言机",
  VCAIGovernor: "治理",
  VeVCAI: "投票锁仓",
  VerifierSet: "验证者集合",
};

const rulesZh: Record<RuleName, string> = {
  accusationBond: "指控保证金",
  answerPeriod: "答辩期（秒）",
  appealBond: "上诉保证金",
  appealWindow: "上诉期（秒）",
  badSignature: "错误签名的严重程度",
  bountyBps: "举报奖金（万分之）",
  bountyCap: "举报奖金上限",
  capGrace: "消费上限宽限期（秒）",
  challengeWindow: "质疑期（秒）",
  chargeAboveReceipts: "收费高于凭据的严重程度",
  commissionBps: "佣金（万分之）",
  committeeSize: "委员会人数",
  computeUsd: "计算节点最低质押（美元）",
  court: "法庭合约",
  creationFee: "铸造费",
  delay: "生效延迟（秒）",
  depthBps: "单次占池深度（万分之）",
  discussion: "讨论期（秒）",
  disputeBond: "争议保证金",
  disputeWindow: "争议期（秒）",
  drawDelay: "抽签延迟（区块）",
  duplicate: "重复收费的严重程度",
  earningsTooLow: "少付收入的严重程度",
  executeWindow: "执行窗口（秒）",
  factorFloor: "质押系数下限",
  factorSlope: "质押系数斜率",
  fallbackPrice: "备用价格",
  feePeriod: "费率周期（秒）",
  foreignScheduler: "冒用调度器的严重程度",
  gain: "调节增益",
  impossibleTimes: "时间不可能的严重程度",
  interval: "间隔（秒）",
  linearBelow: "线性计权上限",
  maxLossUsd: "最大可认定损失（美元）",
  maxMoveBps: "单次最大变动（万分之）",
  maxRounds: "最多轮数",
  maxTerm: "最长期限（秒）",
  maximumAge: "价格最长有效期（秒）",
  maximumPpm: "最高费率（百万分之）",
  maximumSpend: "单次最高支出",
  mediumBps: "中等过错罚没（万分之）",
  minTerm: "最短期限（秒）",
  minimumCommittee: "委员会最少人数",
  minimumPpm: "最低费率（百万分之）",
  minimumReserve: "池内最低储备",
  minimumSpend: "单次最低支出",
  minorBps: "轻微过错罚没（万分之）",
  openWindow: "开启投票窗口（秒）",
  overQuote: "超出报价的严重程度",
  period: "周期（秒）",
  periodLength: "激励周期（秒）",
  platformBps: "平台分成（万分之）",
  pocShare: "算力证明份额",
  postBond: "提交保证金",
  proposerThreshold: "提案所需投票权重",
  queueWindow: "排队窗口（秒）",
  quorumBps: "法定人数（万分之）",
  ratingThreshold: "评分所需消费",
  refundDelay: "退款延迟（秒）",
  rejectedByVerifiers: "被验证者否决的严重程度",
  releaseShare: "释放比例",
  renewalGrace: "续约宽限期（秒）",
  reserveTarget: "储备目标",
  schedulerUsd: "调度节点最低质押（美元）",
  suspensionPeriod: "停用期（秒）",
  target: "目标利用率",
  toleranceBps: "价格容差（万分之）",
  treasury: "金库合约",
  unbondingDelay: "解除质押等待期（秒）",
  uncoveredClient: "客户余额不足的严重程度",
  unitsMaximum: "每周期最多计费单位",
  verdictQuorum: "判决所需票数",
  verifierUsd: "验证节点最低质押（美元）",
  voting: "投票期（秒）",
  window: "平均窗口（秒）",
  winnerBps: "胜方所得（万分之）",
  withdrawDelay: "提取等待期（秒）",
};

/** "reserveTarget" as "Reserve target". */
function spoken(name: string): string {
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

export function ruleTitle(name: RuleName, language: Language): string {
  return language === "zh" ? rulesZh[name] : spoken(name);
}

export function ruleContractTitle(contract: RuleContract, language: Language): string {
  return language === "zh" ? contractsZh[contract] : contract;
}
