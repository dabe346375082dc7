"""The levers of transfer: select, align, pretrain, carry."""
