"""What stands around a window: appointments, queues, rotas, enquiries, ratings, complaints, scores, agents.

Pure rules, as in `hallnet.case`: time, calendar and records are arguments.
"""
