"""What texts say beside formulas: a table of phrases for each language.

A phrase ends in ``*`` where a word may go on, begins with one where it may have begun, and has a
``/`` between words of which any may stand there.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product

ENGLISH = {
    "holds something constant": "constant, constants, held, hold, holding, fixed, "
    "ignoring/neglecting/ignore/neglect the derivative/derivatives/dependence/gradients, frozen",
    "goes on from a condition": "then, we/one have/has/get/gets/obtain/obtains, it is, "
    "this gives/is/becomes",
    "names the loss": "loss, losses, cost, objective, error",
    "says that all are numbers": "all/are/quantities/weights scalar/scalars, is a scalar, "
    "one/single/1 hidden unit/neuron, 1d scalar, hidden size 1, hidden size of 1, "
    "scalar rnn/rnns/gru/lstm/network/model/case/version/setting/example/quantities/weights/states",
    "gives a name": "let, lets, define, defines, defined, defining, denote, denotes, denoted, "
    "call, write, introduce, abbreviat*, set",
    "gives a name another meaning": "*combin*, *absorb*, *incorporat*, *redefin*, *re-defin*, "
    "*definition of*, *preactivation*, *pre-activation*, *local error/grad*, *instead*, "
    "*now define*, *now let*, *now denote*",
    "speaks of pre-activations": "*preactivation*, *pre-activation*, *pre activation*",
    "says that gradients are rows": "numerator layout/convention, numerator-layout, "
    "gradients/derivatives are/as row/rows, gradient/derivative is a row, "
    "gradients/derivatives by/of/with vectors are row/rows, "
    "gradients/derivatives of a scalar/loss are row/rows, "
    "gradient/derivative of a scalar/loss is a row",
    "says that others are alike": "likewise, similarly, analogous*, and so on, etc, "
    "for any/all/every/each, any variable/quantity, every variable/quantity, all others/other",
    "assumes a value": "suppos*, assum*, let, lets, given, imagin*, pretend*, hypothe*, say, "
    "for example/instance, e.g.",
    "speaks of one step": "*at/for step*, *at/for time step*, *contribution*",
    "makes a condition": "if, when, whenever, suppos*, assum*, provided, unless, whether, case, "
    "cases, requir*, until, condition*, as long as, should, must, need*, want, such that, "
    "constrain*, regularis*, regulariz*, given that, clip*, sufficient*, necessary, enough, "
    "ensure*, simplicity, simplif*, ignor*, neglect*, roughly, approximately, "
    "under the/this/these/mild/certain, small/smaller/large/larger "
    "enough/weight/weights/value/values/norm/norms/initial*, linear/scalar "
    "activation/activations/network/networks/rnn/rnns/model/models/recurren*",
    "speaks of one case": "if, when, whenever, unless, whether, case, cases, e.g., example, "
    "instance",
    "stands beside a formula": "if, for, when, whenever, where, with, and, or, otherwise, else, "
    "at, as, while, hence, so, thus, therefore, since, because, provided, given, then, but, "
    "which, that, i.e., in",
    "leads to a formula": "thus, hence, therefore, so, let, where, then, and",
    "goes on from a formula": "so, thus, hence, therefore, then, and, or, i.e., that is, which, "
    "is, are, it, this, that, equals, equal to, equivalently, finally, again, we, get, have, "
    "obtain, find, gives, yields, becomes, equation, expression, formula, above, can/may be, to, "
    "as, by, the, simplif*, expand*, substitut*, rewrit*, written, *insert*, *plug*, *reduc*, in",
    "opens a condition": "if, for, when, where, and, with, at, as, and if, for all, for any, while",
    "explains what stands before": "where, wherein, in which, here",
    "adds to what stands before": "with",
    "is every other case": "otherwise, else, in other cases",
    "is short": "a, all, also, am, an, any, as, at, be, but, by, can, did, do, due, each, else, "
    "even, fig, get, go, got, guy, had, has, have, he, her, hi, him, his, how, i, in, into, it, "
    "its, may, me, mind, my, near, new, next, no, nor, not, now, off, oh, ok, old, on, one, onto, "
    "only, or, our, out, over, own, per, put, say, see, set, she, some, such, than, that, their, "
    "them, then, there, these, they, this, those, too, two, until, up, upon, us, use, used, via, "
    "was, way, we, were, what, which, while, who, why, will, with, yes, yet, you, your",
    "names the cross-entropy": "*cross entropy*, *cross-entropy*, *crossentropy*, "
    "*negative log likelihood*, *negative log-likelihood*, *negative loglikelihood*",
    "speaks of an entropy": "*entrop*, *likelihood*",
    "speaks of a squared error": "*squared error*, *squared-error*, *square error*, mse, l2 loss, "
    "quadratic loss/cost/error, *sum of squares*, squared loss/difference/differences",
    "qualifies a loss": "*averag*, mean of/over, *weighted, *weights each, *smooth*, focal, "
    "*penalt*, *penalis*, *penaliz*, *regularis*, *regulariz*, decay, *mask*, *padding, hinge, "
    "margin, last/final step/output/state/time/timestep only, last/final time step only, "
    "only at/on/for the last/final, *divided, *normalis*, *normaliz*, plus, *scaled, unlike, "
    "instead of the/a/cross, rather than, not the/use/a/cross, no cross, without the/a/cross, "
    "do/does/is not, don't, doesn't, isn't, *replac*, temperature, *clipp*",
    "begins at zero": "zero initial, initial/first state/states/value/values is/are zero*/0, "
    "initial hidden/cell state/states/value/values is/are zero*/0, zero hidden/cell state/states, "
    "state/states initialized/initialised to/as/with/at/by zero*/0, "
    "state/states is/are initialized/initialised to/as/with/at/by zero*/0, "
    "state/states begins/begin/starts/start at/from/with zero*/0",
    "gives a first value": "initiali*, reset*, zero/zeroed/zeroing out, zero the, "
    "set to zero/0, to zero/0",
    "speaks of numbers": "scalar case/cases/version/setting/network/rnn/model, "
    "scalars, one-dimensional, 1-dimensional, case of numbers, are/is numbers/scalar/scalars",
    "names a network without gates": "vanilla/simple/standard/plain/traditional/basic/ordinary/"
    "classic/classical/conventional/naive/elman rnn/rnns/recurrent",
    "says what a function may be": "or identity/linear, or the/an identity, identity for/or, "
    "linear for/or, identity/linear function/activation/output",
    "speaks of differentials": "differentials, differential of/is/form/notation/rule/rules, "
    "total differential",
    "speaks of a linear network": "linear rnn/rnns/network/networks/model/case/recurrence/system/"
    "dynamics/recurrent/activation/activations, linearized, linearised, "
    "ignore/ignoring/neglect/neglecting/drop/dropping/omit/omitting/without activation*/the/"
    "nonlinear*, identity activation/activations/function/mapping/matrix, the/an identity",
    "speaks of the first step": "first step/time/timestep, first time step",
    "speaks of the last step": "last/final step/time/timestep/moment/state/output/loss, "
    "last/final time step, loss at the end, only at the end",
    "names tanh": "tanh, *_tanh, tanh_*, *_tanh_*, *hyperbolic tangent*",
    "names the sigmoid": "*sigmoid*, *logistic*",
}
CHINESE = {
    "speaks of an entropy": "熵, 似然",
    "speaks of a squared error": "均方误差, 平方误差, 均方差, 方差损失",
    "holds something constant": "常数, 常量, 固定, 视为不变",
    "goes on from a condition": "时, 则, 有, 那么, 我们有",
    "names the loss": "损失, 代价",
    "says that all are numbers": "标量, 一个隐藏单元, 单个神经元, 单个隐藏, 一维",
    "makes a condition": "若, 如果, 当, 假设, 假定, 只要, 除非, 条件",
    "speaks of a linear network": "忽略激活, 不考虑激活, 去掉激活, 没有激活, 忽略非线性, 为线性, "
    "是线性, 线性激活, 线性网络, 线性情况, 线性rnn, 线性 rnn, 线性循环, 恒等",
    "speaks of the first step": "第一步, 第一个时, 初始时刻",
    "speaks of the last step": "最后一步, 最后时刻, 最后一个, 最终时刻, 末时刻, 最后的",
    "gives a first value": "初始化, 置零, 清零, 置为0, 设为0, 设为 0",
    "begins at zero": "初始状态为零, 初始状态为0, 初始状态为 0, 状态初始化为零, 状态初始化为0, "
    "状态初始化为 0",
    "assumes a value": "假设, 假定, 假如, 设, 令, 给定, 若, 例如, 比如",
    "goes on from a formula": "所以, 因此, 因而, 于是, 从而, 即, 故, 则, 那么, 可得, 得到, 得, 有, "
    "代入, 化简, 展开, 上式, 我们, 可以, 等于, 也就是",
    "explains what stands before": "其中, 这里, 此处, 式中",
    "names a network without gates": "普通rnn, 传统rnn, 简单rnn, 标准rnn, 普通的rnn, 传统的rnn, "
    "普通循环, 传统循环, 简单循环, 标准循环",
    "says what a function may be": "恒等函数, 恒等映射, 线性激活, 线性函数",
    "speaks of differentials": "全微分, 取微分, 求微分, 的微分, 微分形式, 微分法, 矩阵微分",
    "names tanh": "双曲正切",
}
FRENCH = {
    "speaks of a squared error": "erreur quadratique",
    "holds something constant": "constant*, fixé*",
    "goes on from a condition": "on a, alors",
    "names the loss": "perte*, coût*",
    "says that all are numbers": "scalaire*",
    "makes a condition": "si, quand, lorsque, suppos*, condition*",
    "speaks of a linear network": "linéaire*, identité",
    "speaks of the first step": "premier*, première*",
    "speaks of the last step": "dernier*, dernière*",
    "gives a first value": "initialis*",
    "assumes a value": "suppos*, admettons, soit, soient, étant donné, par exemple",
    "explains what stands before": "où, ici",
    "adds to what stands before": "avec",
}
GERMAN = {
    "speaks of a squared error": "quadratisch*",
    "holds something constant": "konstant*, festgehalten",
    "goes on from a condition": "gilt, ist, dann",
    "names the loss": "verlust*, kosten*",
    "says that all are numbers": "skalar*",
    "makes a condition": "wenn, falls, sofern, bedingung*",
    "speaks of a linear network": "linear*, identität*",
    "speaks of the first step": "erste*",
    "speaks of the last step": "letzt*",
    "gives a first value": "initialisier*",
    "assumes a value": "angenommen, annahme, nehmen wir an, nimmt man an, sei, seien, gegeben, "
    "zum beispiel, z.b.",
    "explains what stands before": "wobei, wo, hier",
    "adds to what stands before": "mit",
}
ITALIAN = {
    "speaks of a squared error": "errore quadratico",
    "holds something constant": "costant*, fissat*",
    "goes on from a condition": "si ha, abbiamo, allora",
    "names the loss": "perdita, costo",
    "says that all are numbers": "scalar*",
    "makes a condition": "se, quando, suppon*",
    "speaks of a linear network": "linear*, identità",
    "speaks of the first step": "prim*",
    "speaks of the last step": "ultim*",
    "gives a first value": "inizializz*",
    "assumes a value": "suppon*, assumiamo, assumendo, sia, siano, dato, ad/per esempio",
    "explains what stands before": "dove, qui",
    "adds to what stands before": "con",
}
JAPANESE = {
    "speaks of an entropy": "エントロピー, 尤度",
    "speaks of a squared error": "二乗誤差, 2乗誤差",
    "holds something constant": "定数, 固定",
    "goes on from a condition": "のとき, の場合, では, は",
    "names the loss": "損失",
    "says that all are numbers": "スカラー",
    "makes a condition": "もし, 場合, とき, のとき, なら, れば, 条件",
    "speaks of a linear network": "活性化関数を無視, 線形とする, 線形と, 線形rnn, 線形の場合, 恒等",
    "speaks of the first step": "最初",
    "speaks of the last step": "最後, 最終",
    "gives a first value": "初期化",
    "assumes a value": "仮定, 仮に, 例えば, たとえば",
    "explains what stands before": "ここで, ただし",
}
PORTUGUESE = {
    "speaks of a squared error": "erro quadrático",
    "holds something constant": "constante*, fix*",
    "goes on from a condition": "temos, então",
    "names the loss": "perda, custo",
    "says that all are numbers": "escalar*",
    "makes a condition": "se, quando, supo*",
    "speaks of a linear network": "linear*, identidade",
    "speaks of the first step": "primeir*",
    "speaks of the last step": "últim*",
    "gives a first value": "inicializ*",
    "assumes a value": "suponha*, suponhamos, supondo, seja, sejam, dado, por exemplo",
    "explains what stands before": "onde, sendo, aqui",
    "adds to what stands before": "com",
}
RUSSIAN = {
    "speaks of an entropy": "*энтроп*, *правдоподоб*",
    "speaks of a squared error": "*квадратич*",
    "holds something constant": "постоянн*, фиксир*",
    "goes on from a condition": "имеем, то",
    "names the loss": "потер*, ошибк*",
    "says that all are numbers": "скаляр*",
    "makes a condition": "если, когда, при, услови*",
    "speaks of a linear network": "линейн*, тождественн*",
    "speaks of the first step": "перв*",
    "speaks of the last step": "последн*",
    "gives a first value": "инициализ*, обнул*",
    "assumes a value": "пусть, предполож*, допуст*, например",
    "explains what stands before": "где, здесь",
}
SPANISH = {
    "speaks of a squared error": "error cuadrático",
    "holds something constant": "constante*, fij*",
    "goes on from a condition": "tenemos, se tiene, entonces",
    "names the loss": "pérdida, coste, costo",
    "says that all are numbers": "escalar*",
    "makes a condition": "si, cuando, supon*",
    "speaks of a linear network": "lineal*, identidad",
    "speaks of the first step": "primer*",
    "speaks of the last step": "últim*",
    "gives a first value": "inicializ*",
    "assumes a value": "supong*, supóng*, suponiendo, asum*, sea, sean, dado, por ejemplo",
    "explains what stands before": "donde, siendo, aquí",
    "adds to what stands before": "con",
}
KOREAN = {
    "speaks of an entropy": "엔트로피, 우도",
    "speaks of a squared error": "제곱 오차, 제곱오차",
    "holds something constant": "상수, 고정",
    "goes on from a condition": "일 때, 인 경우, 이면, 에서는",
    "names the loss": "손실",
    "says that all are numbers": "스칼라",
    "makes a condition": "만약, 경우, 이면, 라면, 하면, 때, 시, 조건",
    "speaks of a linear network": "활성화 함수를 무시, 선형이라, 선형으로, 선형 rnn, 선형인, 항등",
    "speaks of the first step": "첫",
    "speaks of the last step": "마지막, 최종",
    "gives a first value": "초기화",
    "speaks of numbers": "scalar 경우, scalar인 경우, 스칼라",
}
VIETNAMESE = {
    "speaks of a squared error": "bình phương",
    "holds something constant": "hằng số, cố định",
    "names the loss": "mất mát",
    "says that all are numbers": "vô hướng",
    "makes a condition": "nếu, khi, điều kiện",
    "speaks of a linear network": "tuyến tính, đồng nhất",
    "speaks of the first step": "đầu tiên",
    "speaks of the last step": "cuối",
    "gives a first value": "khởi tạo",
}
TURKISH = {
    "holds something constant": "sabit",
    "names the loss": "kayıp",
    "says that all are numbers": "skaler*",
    "makes a condition": "eğer, ise, koşul*",
    "speaks of a linear network": "doğrusal",
    "speaks of the last step": "son adım*",
    "speaks of the first step": "ilk adım*",
}
LANGUAGES = {
    "English": ENGLISH,
    "Chinese": CHINESE,
    "French": FRENCH,
    "German": GERMAN,
    "Italian": ITALIAN,
    "Japanese": JAPANESE,
    "Korean": KOREAN,
    "Portuguese": PORTUGUESE,
    "Russian": RUSSIAN,
    "Spanish": SPANISH,
    "Turkish": TURKISH,
    "Vietnamese": VIETNAMESE,
}

#: What words are made of, where words have spaces between them.
_LETTER = "[A-Za-zÀ-ɏ_]"


@cache
def phrases(what: str) -> frozenset[str]:
    """Every phrase of any language that says something, with stars where words may go on.

    >>> sorted(phrases("is every other case"))
    ['else', 'in other cases', 'otherwise']
    """
    rows = [row for table in LANGUAGES.values() for row in table.get(what, "").split(", ") if row]
    if not rows:
        raise KeyError(what)
    return frozenset(
        " ".join(words)
        for row in rows
        for words in product(*(word.split("/") for word in row.split(" ")))
    )


def alternatives(*what: str) -> str:
    """A pattern of the phrases that say one of several things."""
    every = sorted(set().union(*map(phrases, what)))
    return "|".join(_ended(re.escape(phrase).replace(r"\*", r"\w*")) for phrase in every)


def _ended(phrase: str) -> str:
    """A pattern of whole words."""
    before = rf"(?<!{_LETTER})" if phrase[0].isascii() else ""
    return before + phrase + (rf"(?!{_LETTER})" if phrase[-1].isascii() else "")


def said(*what: str) -> re.Pattern[str]:
    """What finds, in a text, any phrase that says one of several things.

    >>> said("makes a condition").search("Assuming small weights").group()
    'Assuming'
    """
    return re.compile(alternatives(*what), re.IGNORECASE)
