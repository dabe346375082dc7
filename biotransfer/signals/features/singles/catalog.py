"""The single features that a recipe can name, and well-known groups of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....catalog import Catalog, Entry, Fact
from . import amplitude, banded, complexity, shape, spectral, wavelets

_LIBEMG = "as LibEMG 1.0, Eddy et al. 2023, doi:10.1109/ACCESS.2023.3304544"
_PHINYOMARK = "Phinyomark et al. 2012, doi:10.1016/j.eswa.2012.01.102"
_HUDGINS = "Hudgins et al. 1993, doi:10.1109/10.204774"
_HJORTH = "Hjorth 1970, doi:10.1016/0013-4694(70)90143-4"
_KHUSHABA = "Al-Timemy et al. 2016, doi:10.1109/TNSRE.2015.2445634"
_WAVELETS = "Khushaba et al. 2011, doi:10.1109/TBME.2010.2077291"


def _one(
    name: str, function: Callable[..., Any], unit: str | Mapping[str, str], source: str, pairs: bool = False
) -> Entry:
    """Return the entry of a feature; what it is stands in the first sentence of its function."""
    said = " ".join((function.__doc__ or "").split("\n\n")[0].split())
    return Entry(name, said, function, source, {"unit": unit, "of": "pairs" if pairs else "channels"})


SINGLES = Catalog(
    "single feature",
    [
        _one("MAV", amplitude.mav, "uV", _HUDGINS),
        _one("ZC", amplitude.zc, "1", _HUDGINS),
        _one("SSC", amplitude.ssc, "1", _HUDGINS),
        _one("WL", amplitude.wl, "uV", _HUDGINS),
        _one("MAVSLP", amplitude.mavslp, "uV", _HUDGINS),
        _one("MEAN", amplitude.mean, "uV", _LIBEMG),
        _one("IAV", amplitude.iav, "uV", _PHINYOMARK),
        _one("RMS", amplitude.rms, "uV", _PHINYOMARK),
        _one("VAR", amplitude.var, "uV^2", _PHINYOMARK),
        _one("TM", amplitude.tm, "uV^#", _PHINYOMARK),
        _one("LD", amplitude.ld, "uV", _PHINYOMARK),
        _one("MAVFD", amplitude.mavfd, "uV", _PHINYOMARK),
        _one("DASDV", amplitude.dasdv, "uV", _PHINYOMARK),
        _one("WAMP", amplitude.wamp, "1", _PHINYOMARK),
        _one("MFL", amplitude.mfl, "log10(uV)", "Arjunan and Kumar 2010, doi:10.1186/1743-0003-7-53"),
        _one("LS", amplitude.ls, "uV", "Hosking 1990, doi:10.1111/j.2517-6161.1990.tb01775.x"),
        _one("MSR", amplitude.msr, "uV^0.5", "Phinyomark et al. 2018, doi:10.3390/s18051615"),
        _one("MPK", amplitude.mpk, "uV", _LIBEMG),
        _one("MZP", amplitude.mzp, "uV", _LIBEMG),
        _one("PAP", amplitude.pap, "uV", _LIBEMG),
        _one("ISD", amplitude.isd, "uV^2", _LIBEMG),
        _one("COR", amplitude.cor, "uV^-2", _LIBEMG),
        _one("MDIFF", amplitude.mdiff, "uV^2", _LIBEMG),
        _one("MLK", amplitude.mlk, "log(uV)", _LIBEMG),
        _one("RMSPHASOR", amplitude.rmsphasor, {"RMSPHASOR": "log(uV)", "*": "1"}, _LIBEMG, pairs=True),
        _one("WLPHASOR", amplitude.wlphasor, {"WLPHASOR": "log(uV)", "*": "1"}, _LIBEMG, pairs=True),
        _one("SKEW", shape.skew, "1", "Fisher's g1"),
        _one("KURT", shape.kurt, "1", "Pearson's b2"),
        _one("ACT", shape.act, "uV^2", _HJORTH),
        _one("MOB", shape.mob, "1", _HJORTH),
        _one("COMP", shape.comp, "1", _HJORTH),
        _one("TDPSD", shape.tdpsd, "1", _KHUSHABA),
        _one("AR", shape.ar, "1", _PHINYOMARK),
        _one("CC", shape.cc, "1", _PHINYOMARK),
        _one("TTP", spectral.ttp, "uV^2", _PHINYOMARK),
        _one("MNP", spectral.mnp, "uV^2/Hz", _PHINYOMARK),
        _one("PKF", spectral.pkf, "Hz", _PHINYOMARK),
        _one("MNF", spectral.mnf, "Hz", _PHINYOMARK),
        _one("MDF", spectral.mdf, "Hz", _PHINYOMARK),
        _one("SM", spectral.sm, "uV^2 Hz^#", _PHINYOMARK),
        _one("VCF", spectral.vcf, "Hz^2", _PHINYOMARK),
        _one("FR", spectral.fr, "1", _PHINYOMARK),
        _one("PSR", spectral.psr, "1", _PHINYOMARK),
        _one("DFTR", spectral.dftr, "uV^(2/3)", "He et al. 2015, doi:10.1109/JBHI.2014.2330356"),
        _one("WENG", wavelets.weng, "log(uV^2)", _WAVELETS),
        _one("WV", wavelets.wv, "log(uV^4)", _WAVELETS),
        _one("WWL", wavelets.wwl, "log(uV^2)", _WAVELETS),
        _one("WENT", wavelets.went, "1", _WAVELETS),
        _one("WREL", wavelets.wrel, "1", "Rosso et al. 2001, doi:10.1016/S0165-0270(00)00356-3"),
        _one("SAMPEN", complexity.sampen, "1",
             "Richman and Moorman 2000, doi:10.1152/ajpheart.2000.278.6.H2039"),
        _one("FUZZYEN", complexity.fuzzyen, "1", "Chen et al. 2007, doi:10.1109/TNSRE.2007.897025"),
        _one("APPEN", complexity.appen, "1", "Pincus 1991, doi:10.1073/pnas.88.6.2297"),
        _one("PERMEN", complexity.permen, "1", "Bandt and Pompe 2002, doi:10.1103/PhysRevLett.88.174102"),
        _one("HFD", complexity.hfd, "1", "Higuchi 1988, doi:10.1016/0167-2789(88)90081-4"),
        _one("KFD", complexity.kfd, "1", "Katz 1988, doi:10.1016/0010-4825(88)90041-8"),
        _one("PFD", complexity.pfd, "1", "Petrosian 1995, doi:10.1109/CBMS.1995.465426"),
        _one("DFA", complexity.dfa, "1", "Peng et al. 1994, doi:10.1103/PhysRevE.49.1685"),
        _one("LL", amplitude.ll, "uV", "Esteller et al. 2001, doi:10.1109/IEMBS.2001.1020545"),
        _one("SEF", spectral.sef, "Hz", "Drummond et al. 1991, doi:10.1111/j.1399-6576.1991.tb03374.x"),
        _one("SPEN", spectral.spen, "1", "Inouye et al. 1991, doi:10.1016/0013-4694(91)90138-T"),
        _one("BAND", banded.band, "log10(uV^2/Hz)", "own"),
        _one("RELBAND", banded.relband, "1", "own"),
        _one("BANDRATIO", banded.bandratio, "1", "own"),
        _one("DE", banded.de, "log(uV)", "Shi, Jiao and Lu 2013, doi:10.1109/EMBC.2013.6611075"),
        _one("APERIODIC", banded.aperiodic, {"OFFSET": "log10(uV^2/Hz)", "*": "1"},
             "Donoghue et al. 2020, doi:10.1038/s41593-020-00744-x; a plain line, no peaks"),
    ],
    {
        "unit": Fact("Of a column; # is the number that ends its statistic's name.", str | Mapping),
        "of": Fact("What it has a column of, every channel or every pair.", options=("channels", "pairs")),
    },
    word="singles",
)  # fmt: skip

GROUPS: Mapping[str, tuple[str, ...]] = {
    "HTD": ("MAV", "ZC", "SSC", "WL"),
    "TSTD": ("MAVFD", "DASDV", "WAMP", "ZC", "MFL", "SAMPEN", "TDPSD"),
    "ITD": ("ISD", "COR", "MDIFF", "MLK"),
    "HJORTH": ("ACT", "MOB", "COMP"),
    "LS4": ("LS", "MFL", "MSR", "WAMP"),
    "LS9": ("LS", "MFL", "MSR", "WAMP", "ZC", "RMS", "IAV", "DASDV", "VAR"),
    "TDAR": ("MAV", "ZC", "SSC", "WL", "AR"),
    "COMB": ("WL", "SSC", "LD", "AR"),
    "MSWT": ("WENG", "WV", "WWL", "WENT"),
    "SPECTRUM": ("TTP", "MNP", "PKF", "MNF", "MDF", "SM", "VCF", "FR", "PSR"),
    "ENTROPIES": ("SAMPEN", "FUZZYEN", "APPEN", "PERMEN", "SPEN"),
    "FRACTALS": ("HFD", "KFD", "PFD", "DFA"),
    "EMG": (
        "MAV", "ZC", "SSC", "WL", "MAVSLP", "IAV", "RMS", "VAR", "TM", "LD", "MAVFD", "DASDV", "WAMP", "MFL",
        "LS", "MSR", "MPK", "MZP", "PAP", "ISD", "COR", "MDIFF", "MLK", "SKEW", "KURT", "ACT", "MOB", "COMP",
        "TDPSD", "AR", "CC", "TTP", "MNP", "PKF", "MNF", "MDF", "SM", "VCF", "FR", "PSR", "WENG", "WV", "WWL",
        "WENT",
    ),
    "EEG": (
        "BAND", "RELBAND", "BANDRATIO", "DE", "APERIODIC", "SEF", "SPEN", "PKF", "MNF", "LL", "ACT", "MOB",
        "COMP", "SKEW", "KURT", "ZC", "PERMEN", "HFD", "KFD", "PFD",
    ),
}  # fmt: skip
"""Features by the name of a group: those of LibEMG, and what each family holds when nothing is asked for."""
